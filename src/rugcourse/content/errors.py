"""Mistakes in a course's files, told to the author who can mend them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: where it stands and how to mend it. `line` counts from 1."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class AuthoringErrors(Exception):
    """A course can't be used as it is written. Holds every mistake that was found, sorted by file and line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))  # courses share a file, and its mistakes
        super().__init__("\n".join(str(problem) for problem in self.problems))
