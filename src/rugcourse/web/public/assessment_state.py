"""A visitor's progress in the knowledge test. It is kept in the page's URL or form, not in a session."""

from __future__ import annotations

from dataclasses import dataclass

from rugcourse.content import KnowledgeTest, Question


@dataclass(frozen=True, slots=True)
class TestProgress:
    """A partly answered test. `options`: the chosen options so far, in the order of the questions."""

    test: KnowledgeTest
    options: tuple[int, ...]

    @classmethod
    def read(cls, test: KnowledgeTest, given: str, option: str) -> TestProgress:
        """Parse the page's fields: `given` like "0.2.1", `option` the newest choice. Parsing stops at the first invalid
        part.
        """
        options: list[int] = []
        for question, text in zip(test.questions, [*given.split("."), option] if given else [option], strict=False):
            if not text.isdecimal() or len(text) > 2 or int(text) >= len(question.options):
                break
            options.append(int(text))
        return cls(test, tuple(options))

    def values(self, action: str, *, missing: bool, begins: bool) -> dict[str, object]:
        """Return the template values of the question's page. `begins`: with the introduction before it."""
        return {
            "progress": self,
            "missing": missing,
            "action": action,
            "intro": self.test if begins and self.number == 1 else None,
            "title": self.test.title,
        }

    @property
    def finished(self) -> bool:
        return len(self.options) == len(self.test.questions)

    @property
    def number(self) -> int:
        """The number of the current question, from 1; the last one when all are answered."""
        return min(len(self.options) + 1, self.total)

    @property
    def total(self) -> int:
        return len(self.test.questions)

    @property
    def question(self) -> Question:
        return self.test.questions[self.number - 1]

    @property
    def given(self) -> str:
        """The answers before the current question, like "0.2.1"."""
        return ".".join(str(option) for option in self.options[: self.number - 1])

    @property
    def back(self) -> str | None:
        """The answers before the previous question; None at the first one."""
        return ".".join(str(option) for option in self.options[: self.number - 2]) if self.number > 1 else None

    @property
    def chosen(self) -> dict[str, int]:
        """Question id → index of the chosen option."""
        return {question.id: option for question, option in zip(self.test.questions, self.options, strict=False)}
