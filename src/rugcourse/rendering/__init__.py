"""How a mail looks: MJML and Jinja, compiled once per lesson version, and a message put together from prepared bytes."""
