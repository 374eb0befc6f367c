"""The inbox: a list of mails, and each mail as HTML, as text and as source."""

from __future__ import annotations

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rugcourse import paths
from rugcourse.design import design_tokens
from rugcourse.dev.mailcatcher.mailbox import CaughtMails, parse, part
from rugcourse.emails.sandbox import Sandbox

# What a careful mail client would allow: no scripts, and nothing external except the mail's pictures.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'"


def create_app(mailbox: CaughtMails, site: str) -> FastAPI:
    """Create the pages of a mailbox. `site`: the URL of the courses, to link back to."""
    app = FastAPI(title="rugcourse inbox", docs_url=None, redoc_url=None, openapi_url=None)
    templates = Sandbox(
        loader=FileSystemLoader(paths.folder("templates") / "mailcatcher"), autoescape=True, undefined=StrictUndefined
    )

    variables = Markup(design_tokens().css)  # noqa: S704 - our own file, checked when it is read

    def show(template: str, **values: object) -> HTMLResponse:
        html = templates.get_template(template).render(site=site, variables=variables, **values)
        return HTMLResponse(html, headers={"Content-Security-Policy": _PAGE_POLICY})

    def source(number: int) -> bytes:
        raw = mailbox.source(number)
        if raw is None:
            raise HTTPException(404, "there is no such mail")
        return raw

    @app.get("/")
    def mails(to: str = "") -> HTMLResponse:
        """Show all mails, or those to one address: made-up readers of a demo get theirs here too."""
        found = [mail for mail in mailbox.newest_first() if to in {"", mail.recipient}]
        return show("list.html", mails=found, to=to)

    @app.get("/mail/{number}")
    def mail(number: int) -> HTMLResponse:
        message = parse(source(number))
        return show(
            "mail.html",
            number=number,
            message=message,
            text=part(message, "plain"),
            has_html=bool(part(message, "html")),
        )

    @app.get("/mail/{number}/html")
    def html(number: int) -> HTMLResponse:
        """Show the HTML part, whose links open in a new tab."""
        content = part(parse(source(number)), "html").replace("<head>", '<head><base target="_blank">', 1)
        return HTMLResponse(content, headers={"Content-Security-Policy": _MAIL_POLICY})

    @app.get("/mail/{number}/source")
    def wire(number: int) -> PlainTextResponse:
        return PlainTextResponse(source(number).decode("utf-8", "replace"))

    return app
