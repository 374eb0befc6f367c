"""Errors in the files of a course, with messages for the author."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rugcourse.errors import InvalidInput


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: where it is and how to correct it. `line` counts from 1."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class AuthoringErrors(InvalidInput):
    """A course has mistakes. `problems` holds all of them, sorted by file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))  # courses can share a file, so the same mistake can come twice
        super().__init__("\n".join(str(problem) for problem in self.problems))
