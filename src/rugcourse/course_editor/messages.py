"""A message to many while it is written: what is typed, in fields such as `nl.subject`, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import ValidationError

from rugcourse.content import Message
from rugcourse.course_editor.linter import LintFinding, finding_of, once, unreadable_in

PARTS = ("title", "subject", "preheader", "body")


class InvalidMessage(Exception):
    """What is typed can't be sent. `findings`: all that is wrong with it."""

    def __init__(self, findings: Sequence[LintFinding]) -> None:
        super().__init__(", ".join(f"{one.where}: {one.kind}" for one in findings))
        self.findings = findings


def message_of(typed: Mapping[str, str], languages: Sequence[str]) -> Message:
    """The message that is typed; a language of which nothing is typed is left out. Raises NotAMessage."""
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
        if one["type"] != "value_error":  # an unreadable text, which is told with its line
            yield finding_of(one, ".".join(str(part) for part in one["loc"][1:]))
