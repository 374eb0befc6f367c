"""Scores the 2-minute test, in total and per topic. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rugcourse.content import KnowledgeTest


@dataclass(frozen=True, slots=True)
class TopicResult:
    """The score for one topic. `known`: every question about it was answered right."""

    topic: str
    right: int
    asked: int

    @property
    def known(self) -> bool:
        return self.right == self.asked


@dataclass(frozen=True, slots=True)
class TestResult:
    right: int
    asked: int
    topics: tuple[TopicResult, ...]


def score(test: KnowledgeTest, chosen: Mapping[str, int]) -> TestResult:
    """Score a test. `chosen`: question id → index of the option; a question without an answer is wrong."""
    topics: dict[str, list[bool]] = {}
    for question in test.questions:
        topics.setdefault(question.topic, []).append(chosen.get(question.id) == question.right_option)
    results = tuple(TopicResult(topic, sum(right), len(right)) for topic, right in topics.items())
    return TestResult(sum(one.right for one in results), len(test.questions), results)


def is_complete(test: KnowledgeTest, chosen: Mapping[str, int]) -> bool:
    """Whether each question was answered with an option that exists."""
    return all(chosen.get(question.id) in range(len(question.options)) for question in test.questions)
