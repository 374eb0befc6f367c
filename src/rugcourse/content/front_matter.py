"""Reads a file of front matter (YAML 1.2) and Markdown, and keeps the line number of each field."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from rugcourse.content.errors import AuthoringErrors, Problem
from rugcourse.content.model import has_invisible

_FENCE = "---"
_MAX_BYTES = 200_000
_MAX_VALUES = 10_000
_MAX_DEPTH = 20
_TOO_DEEP = f"the front matter is nested more than {_MAX_DEPTH} levels deep"

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Document:
    """A file's front matter with its positions, and its body, which begins on `body_line`."""

    file: Path
    fields: CommentedMap
    body: str
    body_line: int

    def line_of(self, location: Sequence[str | int]) -> int:
        """Return the line of a field such as `("quiz", 0, "options")`, or of the nearest enclosing one that exists.

        `("body", 3)` is the fourth line of the body.
        """
        if location and location[0] == "body":
            return self.body_line + sum(part for part in location[1:] if isinstance(part, int))
        node: object = self.fields
        line = 2
        for part in location:
            if isinstance(node, CommentedMap) and part in node:
                line = node.lc.key(part)[0] + 2
            elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
                line = node.lc.item(part)[0] + 2
            else:
                break
            node = node[part]
        return line

    def problem(self, location: Sequence[str | int], message: str) -> Problem:
        return Problem(self.file, self.line_of(location), message)

    def parse(self, model: type[Model]) -> Model:
        """Validate the file as a `model`. Raises AuthoringErrors with the line of each mistake."""
        try:
            return model.model_validate({**_plain(self.fields), "body": self.body})
        except ValidationError as error:
            raise AuthoringErrors(
                [self.problem(problem["loc"], _message(problem)) for problem in error.errors()]
            ) from None


def read_document(file: Path) -> Document:
    """Read and split a file. Raises AuthoringErrors."""
    text = _read_text(file)
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        raise _error(file, 1, "must begin with front matter: a line `---`, the fields, and a line `---`")
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)
    if end is None:
        raise _error(file, 1, "the front matter has no closing line `---`")
    body = lines[end + 1 :]
    blank = next((number for number, line in enumerate(body) if line.strip()), 0)
    return Document(
        file=file,
        fields=_parse_yaml(file, "\n".join(lines[1:end])),
        body="\n".join(body).strip(),
        body_line=end + 2 + blank,
    )


def _read_text(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise _error(file, 1, f"can't be read: {error.strerror}") from None
    if len(raw) > _MAX_BYTES:
        raise _error(file, 1, f"is larger than {_MAX_BYTES // 1000} kB")
    if not raw.strip():
        raise _error(file, 1, "is empty")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _error(file, line, "is not UTF-8 text; save the file with the encoding UTF-8") from None
    for number, line_text in enumerate(text.split("\n"), 1):
        if has_invisible(line_text.replace("\r", "")):
            raise _error(file, number, "holds a control character or a private one; remove it")
    # NFC, so that an editor that writes é as two characters does not create a new lesson version.
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n"))


def _parse_yaml(file: Path, text: str) -> CommentedMap:
    try:
        fields = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 2 if mark else 2
        raise _error(file, line, f"the front matter is not valid YAML: {_first_line(error.problem)}") from None
    except (YAMLError, ValueError) as error:
        raise _error(file, 2, f"the front matter is not valid YAML: {_first_line(str(error))}") from None
    except TypeError:
        raise _error(file, 2, "the front matter has a list or fields where the name of a field belongs") from None
    except RecursionError:
        raise _error(file, 2, _TOO_DEEP) from None
    if not isinstance(fields, CommentedMap):
        raise _error(file, 2, "the front matter must be fields of the form `name: value`")
    _check_size(file, fields)
    return fields


def _check_size(file: Path, fields: CommentedMap) -> None:
    """Raise AuthoringErrors for values that are too many or too deep, each counted as often as an alias repeats it.

    Ten lines of aliases can stand for a billion values.
    """
    waiting: list[tuple[object, int]] = [(fields, 0)]
    count = 0
    while waiting:
        node, depth = waiting.pop()
        count += 1
        if count + len(waiting) > _MAX_VALUES:
            raise _error(file, 2, f"the front matter has more than {_MAX_VALUES} values")
        if depth > _MAX_DEPTH:
            raise _error(file, 2, _TOO_DEEP)
        children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        waiting += [(child, depth + 1) for child in children]


def _plain(node: object) -> Any:
    """Convert ruamel's types to plain ones: pydantic does not accept all of them as strings and numbers."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    if isinstance(node, str):
        return str(node)
    return node


def _message(problem: Any) -> str:  # noqa: PLR0911 - a table of sentences
    """Translate an error of pydantic into a message for authors."""
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in problem["loc"])
    match problem["type"]:
        case "missing":
            return f"the field `{where}` is missing"
        case "extra_forbidden":
            return f"there is no field `{where}`; remove it or correct its name"
        case "string_type":
            return f"`{where}` must be text; put it between quotes"
        case "string_too_short":
            return "the text below the front matter is missing" if where == "body" else f"`{where}` is empty"
        case "string_too_long":
            limit = problem["ctx"]["max_length"]
            return f"`{where}` has {len(problem['input'].strip())} characters; at most {limit}"
        case "too_short" | "too_long":
            limits = problem["ctx"]
            wanted = f"at least {limits['min_length']}" if "min_length" in limits else f"at most {limits['max_length']}"
            return f"`{where}` has {limits['actual_length']} items; {wanted}"
        case "bool_type" | "bool_parsing":
            return f"`{where}` must be true or false"
        case "exclamation" | "symbol" | "invisible" | "phone":
            return f"`{where}` {problem['msg']}"
        case "one_right" | "value_error":
            return str(problem["msg"]).removeprefix("Value error, ")
        case _:
            return f"`{where}`: {problem['msg'][:1].lower()}{problem['msg'][1:]}"


def _first_line(text: str | None) -> str:
    return (text or "it can't be read").strip().split("\n")[0]


def _error(file: Path, line: int, message: str) -> AuthoringErrors:
    return AuthoringErrors([Problem(file, line, message)])
