"""How a mail looks: MJML and Jinja compiled once per lesson version, messages put together from prepared bytes."""
