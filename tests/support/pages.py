"""What tests of the pages have in common."""

from __future__ import annotations

import re
from html import unescape

from fastapi.testclient import TestClient
from tests.support.builders import mails_to, ref

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import DeliveryKind
from rugcourse.links import TokenPurpose

CHROME = {
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"
}
_LETTERS = {
    TokenPurpose.CONFIRM: "c",
    TokenPurpose.ANSWER: "a",
    TokenPurpose.LESSON: "w",
    TokenPurpose.PREFERENCES: "p",
    TokenPurpose.UNSUBSCRIBE: "u",
    TokenPurpose.RETEST: "t",
    TokenPurpose.CLICK: "l",
    TokenPurpose.BOOK: "b",
    TokenPurpose.OPEN: "o",
}


def path(
    runtime: Runtime, purpose: TokenPurpose, email: str, *numbers: int, kind: DeliveryKind = DeliveryKind.LESSON
) -> str:
    """The link in the newest mail of a kind to somebody."""
    delivery = mails_to(runtime, email, kind)[-1].id
    return f"/{_LETTERS[purpose]}/{runtime.signer.sign_mail(purpose, ref(runtime, delivery), *numbers)}"


def mailed_link(browser: TestClient, runtime: Runtime, email: str) -> str:
    """The link that its reader had mailed to do what can't be undone."""
    browser.post(path(runtime, TokenPurpose.PREFERENCES, email, kind=DeliveryKind.WELCOME), data={"action": "renew"})
    return path(runtime, TokenPurpose.PREFERENCES, email, kind=DeliveryKind.MAGIC_LINK)


def inputs(page: str) -> dict[str, str]:
    """The text boxes of a page, as a browser would send them."""
    found = dict(
        re.findall(r'<input type="(?:text|hidden|date|email|color)" name="([^"]+)"[^>]*? value="([^"]*)"', page)
    )
    found |= dict(re.findall(r'<textarea [^>]*?name="([^"]+)"[^>]*>([^<]*)</textarea>', page))
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    for name, value in re.findall(r'<input type="radio" name="([^"]+)" value="([^"]*)" checked', page):
        found[name] = value
    for name, value in re.findall(r'<input type="checkbox" name="([^"]+)" value="([^"]*)" checked', page):
        found[name] = f"{found.get(name, '')} {value}".strip()
    return {name: unescape(text) for name, text in found.items()}
