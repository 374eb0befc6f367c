"""Checks a mail for what mail clients would cut off or drop, and for what spam filters distrust."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from urllib.parse import urlsplit

_CUT_OFF = 90_000  # bytes of HTML; Gmail cuts off at 102 kB
_LONGEST_SUBJECT = 60  # characters; a phone shows 40
_LONGEST_LINE = 998  # bytes (RFC 5321, 4.5.3.1.6)
_FEWEST_WORDS = 60  # next to pictures
_SHARE_IN_TEXT = 0.7  # minimum share of the HTML's words that the text part must have
_HIDDEN = {"style", "script", "title", "head"}
_ACTIVE = {"script", "form", "iframe", "object", "embed", "video", "audio", "svg", "input", "button"}
_PRETENDS = re.compile(r"^\s*(re|fwd?|aw|wg|antw|doorst)\s*:", re.IGNORECASE)
_ADDRESS = re.compile(r"^(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:[/?#]\S*)?$", re.IGNORECASE)
_NUMBERS = re.compile(r"^[\d.]+$|^\[")
# CSS that Outlook for Windows or Gmail remove so that the layout breaks; other CSS degrades gracefully.
_CSS = {
    "position": r"position\s*:\s*(absolute|fixed|relative|sticky)",
    "flex": r"display\s*:\s*(inline-)?flex",
    "grid": r"display\s*:\s*(inline-)?grid",
    "background-image": r"background(-image)?\s*:[^;]*url\(",
    "var()": r"var\(\s*--",
    "animation": r"@keyframes|animation\s*:",
    "@import": r"@import",
}


@dataclass(frozen=True, slots=True)
class EmailIssue:
    """An issue. `kind` selects a sentence of `templates/web/admin/email-issues.html`, which uses `values`.

    `is_error`: the mail should not go out like this.
    """

    kind: str
    is_error: bool = False
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EmailReport:
    """The figures of a mail, and its issues. `size`: bytes of its HTML."""

    subject: str
    size: int
    words: int
    links: int
    images: int
    remarks: tuple[EmailIssue, ...]


def lint_email(message: bytes, our_address: str) -> EmailReport:
    """Check a message as it would go to the mail server.

    `our_address`: the prefix of our own links, which are not checked here but by the doctor.
    """
    parsed = message_from_bytes(message, policy=policy.default)
    html, text = _part(parsed, "html"), _part(parsed, "plain")
    page = _Page()
    page.feed(html)
    remarks = (
        *_about_subject(str(parsed["Subject"] or "")),
        *_about_shape(parsed, message, html),
        *_about_words(page, text),
        *_about_links([link for link in page.links if not link[0].startswith(our_address)]),
        *_about_markup(page, html),
    )
    return EmailReport(
        subject=str(parsed["Subject"] or ""),
        size=len(html.encode()),
        words=len(page.words),
        links=len(page.links),
        images=len(page.images),
        remarks=tuple(sorted(remarks, key=lambda one: not one.is_error)),
    )


def _about_subject(subject: str) -> Iterator[EmailIssue]:
    if not subject.strip():
        yield EmailIssue("no-subject", is_error=True)
    if len(subject) > _LONGEST_SUBJECT:
        yield EmailIssue("long-subject", values={"length": len(subject), "most": _LONGEST_SUBJECT})
    if _PRETENDS.match(subject):
        yield EmailIssue("pretends", is_error=True)
    letters = [one for one in subject if one.isalpha()]
    if len(letters) > 5 and sum(one.isupper() for one in letters) > len(letters) / 2:
        yield EmailIssue("capitals", is_error=True)
    if re.search(r"[!?]{2}|!.*!|[$€£]{2}", subject):
        yield EmailIssue("shouts", is_error=True)


def _about_shape(parsed: EmailMessage, message: bytes, html: str) -> Iterator[EmailIssue]:
    ways = parsed["List-Unsubscribe"] or ""
    if parsed["List-Id"] and (not ways or ("<https:" in ways and not parsed["List-Unsubscribe-Post"])):
        yield EmailIssue("no-unsubscribe", is_error=True)
    if len(html.encode()) > _CUT_OFF:
        yield EmailIssue("large", values={"size": len(html.encode()) // 1000})
    if max(map(len, message.split(b"\r\n"))) > _LONGEST_LINE:
        yield EmailIssue("long-line", is_error=True)


def _about_words(page: _Page, text: str) -> Iterator[EmailIssue]:
    said = {word.lower() for word in re.findall(r"\w{4,}", text)}
    shown = {word.lower() for word in page.words if len(word) >= 4}
    if not text.strip():
        yield EmailIssue("no-text", is_error=True)
    elif shown and len(shown & said) < _SHARE_IN_TEXT * len(shown):
        yield EmailIssue("other-text", is_error=True)
    if page.images and len(page.words) < _FEWEST_WORDS:
        yield EmailIssue("pictures", is_error=True, values={"images": len(page.images), "words": len(page.words)})
    if any(not alt.strip() for alt in page.images):
        yield EmailIssue("no-alt")


def _about_links(links: Sequence[tuple[str, str]]) -> Iterator[EmailIssue]:
    for target, words in links:
        scheme, host = _where(target)
        shown = _ADDRESS.match(words.strip())
        if shown and scheme in {"http", "https"} and shown[1].lower().removeprefix("www.") != host:
            yield EmailIssue("other-address", is_error=True, values={"text": words.strip()[:80], "host": host})
        if _NUMBERS.match(host):
            yield EmailIssue("number-link", is_error=True, values={"host": host})
    if any(_where(target)[0] == "http" for target, _ in links):
        yield EmailIssue("http-link")


def _where(target: str) -> tuple[str, str]:
    """Return the scheme and the host of a link; both empty if it is invalid."""
    try:
        parts = urlsplit(target)
        return parts.scheme, (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return "", ""


def _about_markup(page: _Page, html: str) -> Iterator[EmailIssue]:
    if page.active:
        yield EmailIssue("active", is_error=True, values={"tags": ", ".join(sorted(page.active))})
    seen = re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL)
    css = [name for name, pattern in _CSS.items() if re.search(pattern, seen, re.IGNORECASE)]
    if css:
        yield EmailIssue("css", values={"names": ", ".join(css)})


class _Page(HTMLParser):
    """Collects what a reader sees: words, links (target, text), pictures (alternative text); and active tags."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[tuple[str, str]] = []
        self.images: list[str] = []
        self.active: set[str] = set()
        self._hidden = 0
        self._link: list[str] | None = None
        self._target = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._hidden += tag in _HIDDEN
        if tag in _ACTIVE:
            self.active.add(tag)
        if tag == "a":
            self._link, self._target = [], values.get("href", "")
        if tag == "img" and values.get("width") != "1":
            self.images.append(values.get("alt", ""))

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN
        if tag == "a" and self._link is not None:
            self.links.append((self._target, " ".join(self._link)))
            self._link = None

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        self.words += re.findall(r"\w+", data)
        if self._link is not None:
            self._link.append(data.strip())


def _part(parsed: EmailMessage, kind: str) -> str:
    found = parsed.get_body((kind,))
    return str(found.get_content()) if found else ""
