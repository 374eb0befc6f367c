"""Parses and checks the form of a broadcast's message, with fields such as `nl.subject`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from rugcourse.content import Message
from rugcourse.course_editor.linter import LintFinding, finding_of, once, unreadable_in
from rugcourse.errors import InvalidInput

PARTS = ("title", "subject", "preheader", "body")


class InvalidMessage(InvalidInput):
    """The message has errors, which `findings` lists."""

    def __init__(self, findings: Sequence[LintFinding]) -> None:
        super().__init__(", ".join(f"{one.where}: {one.kind}" for one in findings))
        self.findings = findings


def message_of(typed: Mapping[str, str], languages: Sequence[str]) -> Message:
    """Return the message, without languages that are empty. Raises InvalidMessage."""
    fields = {
        f"{language}.{part}": typed.get(f"{language}.{part}", "").replace("\r\n", "\n").strip()
        for language in languages
        for part in PARTS
    }
    texts = {language: {part: fields[f"{language}.{part}"] for part in PARTS} for language in languages}
    spoken = {language: text for language, text in texts.items() if any(text.values())}
    if not spoken:
        raise InvalidMessage([LintFinding("no-message", f"{languages[0]}.subject")])
    wrong = list(unreadable_in(fields, list(spoken), notice=False))
    try:
        message = Message.model_validate({"texts": spoken})
    except ValidationError as error:
        raise InvalidMessage(once([*wrong, *_invalid(error)])) from None
    if wrong:
        raise InvalidMessage(once(wrong))
    return message


def _invalid(error: ValidationError) -> Iterator[LintFinding]:
    for one in error.errors():
        if one["type"] != "value_error":  # unsupported content, which is reported with its line
            yield finding_of(one, ".".join(str(part) for part in one["loc"][1:]))
