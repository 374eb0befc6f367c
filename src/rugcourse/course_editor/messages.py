"""Parses and checks the form of a broadcast's message, with fields such as `nl.subject`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from rugcourse.content import Message
from rugcourse.content.markdown import UnknownTag, check_tags, own_text
from rugcourse.content.model import PREHEADER_LIMIT, MessageText, has_invisible
from rugcourse.course_editor.email_size import message_bytes
from rugcourse.course_editor.linter import LintFinding, finding_of, once, unreadable_in
from rugcourse.emails.templates import MAX_HTML_BYTES
from rugcourse.errors import InvalidInput

_NOTHING = "…"
_GAP_LEFT_BY_A_TAG = re.compile(r"\s+([,.;:!?])")
PARTS = ("title", "subject", "preheader", "body")


class InvalidMessage(InvalidInput):
    """The message has errors, which `findings` lists."""

    def __init__(self, findings: Sequence[LintFinding]) -> None:
        super().__init__(", ".join(f"{one.where}: {one.kind}" for one in findings))
        self.findings = findings


def message_of(typed: Mapping[str, str], languages: Sequence[str]) -> Message:
    """Return the message, without languages that are empty. Raises InvalidMessage.

    Without a title, the subject is the title; without a preview text, the text begins in the inbox.
    """
    fields = {
        f"{language}.{part}": typed.get(f"{language}.{part}", "").replace("\r\n", "\n").strip()
        for language in languages
        for part in PARTS
    }
    texts = {language: {part: fields[f"{language}.{part}"] for part in PARTS} for language in languages}
    spoken = {language: _completed(text) for language, text in texts.items() if any(text.values())}
    if not spoken:
        raise InvalidMessage([LintFinding("no-message", f"{languages[0]}.subject")])
    wrong = list(unreadable_in(fields, list(spoken), notice=False))
    try:
        message = Message.model_validate({"texts": spoken})
    except ValidationError as error:
        raise InvalidMessage(once([*wrong, *_invalid(error)])) from None
    wrong += [one for language in message.texts for one in _too_large(message, language)]
    if wrong:
        raise InvalidMessage(once(wrong))
    return message


def lenient_message(typed: Mapping[str, str], language: str) -> Message:
    """Return the message in one language as far as it is written, for a preview. Raises UnknownTag."""
    text = _completed({part: typed.get(f"{language}.{part}", "").replace("\r\n", "\n").strip() for part in PARTS})
    check_tags(text["body"])
    written = MessageText.model_construct(
        title=text["title"] or _NOTHING,
        subject=text["subject"] or _NOTHING,
        preheader=text["preheader"] or _NOTHING,
        body=text["body"] or _NOTHING,
    )
    return Message.model_construct(texts={language: written})


def _completed(text: Mapping[str, str]) -> dict[str, str]:
    """Return the parts of a message in one language, with what can be left out, so that only what can't is missing."""
    title = text["title"] or text["subject"] or _NOTHING
    return {**text, "title": title, "preheader": text["preheader"] or _beginning(text["body"]) or title}


def _beginning(body: str) -> str:
    """Return the first words of a text, as many as a preview text holds; empty for one that can't be read."""
    try:
        words = _GAP_LEFT_BY_A_TAG.sub(r"\1", own_text(body)).split()
    except UnknownTag:
        return ""
    found = ""
    for word in words:
        if len(found) + 1 + len(word) > PREHEADER_LIMIT:
            break
        found = f"{found} {word}".strip()
    return "" if has_invisible(found) else found


def _too_large(message: Message, language: str) -> Iterator[LintFinding]:
    size = message_bytes(message, language)
    if size > MAX_HTML_BYTES:
        values = {"size": size // 1000, "most": MAX_HTML_BYTES // 1000}
        yield LintFinding("message-too-large", f"{language}.body", values=values)


def _invalid(error: ValidationError) -> Iterator[LintFinding]:
    for one in error.errors():
        if one["type"] != "value_error":  # unsupported content, which is reported with its line
            yield finding_of(one, ".".join(str(part) for part in one["loc"][1:]))
