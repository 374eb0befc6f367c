"""Computes what a guesser who knows nothing would score on a set of questions, from cues in the options alone.

The cues are violations of the item-writing guidelines of Haladyna, Downing & Rodriguez, A Review of Multiple-Choice
Item-Writing Guidelines for Classroom Assessment, Applied Measurement in Education 15(3), 2002: vary the place of the
right option (guideline 20), keep the options about equally long (24), and give no clue to the right one by specific
determiners such as *always* and *never* (28a). A test with such cues measures who is good at tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from rugcourse.content.model import Question

MARGIN = 1  # how many right answers more than chance a rule may score
FEWEST = 3  # of fewer questions, two in the same place are no pattern
# Guideline 28a, "specific determiners". A `…` stands for the ending of a word.
ABSOLUTE = {
    "de": "immer nie niemals nur alle alles allen nichts jede… jeder niemand keinesfalls völlig vollständig absolut "
    "ganz bestimmt sicher ausschließlich unmöglich",
    "en": "always never only all any every everyone everybody everything none nobody nothing completely entirely "
    "totally absolutely certainly definitely impossible",
    "nl": "altijd nooit alleen alle alles allemaal niets elk… ieder… iedereen niemand volledig volkomen helemaal "
    "absoluut beslist zeker uitsluitend onmogelijk overal",
}
# Their counterpart: words that make a claim cautious, and so more often true.
QUALIFYING = {
    "de": "meist meistens oft häufig manchmal vielleicht wahrscheinlich ungefähr etwa fast möglicherweise selten "
    "eher teilweise normalerweise könnte…",
    "en": "usually often sometimes may might could maybe perhaps probably possibly roughly mostly mainly generally "
    "likely almost nearly rarely somewhat bit seldom normally",
    "nl": "meestal vaak soms misschien waarschijnlijk ongeveer bijna mogelijk zelden vooral doorgaans gewoonlijk "
    "enigszins beetje vrijwel",
}


class GuessRule(StrEnum):
    """How somebody chooses who knows nothing: by lot among the options that fit the rule, or among all if none does."""

    LONGEST = "longest"
    SHORTEST = "shortest"
    QUALIFIED = "qualified"  # with the most words of QUALIFYING
    NOT_ABSOLUTE = "not-absolute"  # without a word of ABSOLUTE
    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    FOURTH = "fourth"


class GuessedScore(NamedTuple):
    """How many of `questions` a rule gets right on average, and how many pure chance does."""

    rule: GuessRule
    score: Fraction
    chance: Fraction
    questions: int

    @property
    def is_cue(self) -> bool:
        """Whether the rule does so much better than chance that it replaces knowledge."""
        return self.questions >= FEWEST and self.score > self.chance + MARGIN


Chooser = Callable[[Sequence[str]], list[int]]


def guessed_scores(questions: Sequence[Question], language: str) -> list[GuessedScore]:
    """Return the score of each rule over all questions. In a language without lists, words are no cue."""
    chance = sum((Fraction(1, len(one.options)) for one in questions), Fraction(0))
    return [
        GuessedScore(rule, sum((_share(one, choose) for one in questions), Fraction(0)), chance, len(questions))
        for rule, choose in _choosers(language).items()
    ]


def cues(questions: Sequence[Question], language: str) -> list[GuessedScore]:
    """Return the rules that are cues, the best first."""
    found = [one for one in guessed_scores(questions, language) if one.is_cue]
    return sorted(found, key=lambda one: one.score, reverse=True)


def _share(question: Question, choose: Chooser) -> Fraction:
    """Return the probability that a rule chooses the right option."""
    texts = [option.text for option in question.options]
    chosen = choose(texts) or list(range(len(texts)))
    return Fraction(question.right_option in chosen, len(chosen))


def _choosers(language: str) -> dict[GuessRule, Chooser]:
    qualifying, absolute = _counter(QUALIFYING.get(language, "")), _counter(ABSOLUTE.get(language, ""))
    places = (GuessRule.FIRST, GuessRule.SECOND, GuessRule.THIRD, GuessRule.FOURTH)
    return {
        GuessRule.LONGEST: lambda texts: _highest([len(text) for text in texts]),
        GuessRule.SHORTEST: lambda texts: _highest([-len(text) for text in texts]),
        GuessRule.QUALIFIED: lambda texts: _highest([qualifying(text) for text in texts]),
        GuessRule.NOT_ABSOLUTE: lambda texts: [index for index, text in enumerate(texts) if not absolute(text)],
        **{rule: _at(index) for index, rule in enumerate(places)},
    }


def _at(index: int) -> Chooser:
    return lambda texts: [index] if index < len(texts) else []


def _highest(values: Sequence[int]) -> list[int]:
    return [index for index, value in enumerate(values) if value == max(values)]


@cache
def _counter(words: str) -> Callable[[str], int]:
    """Return a function that counts these words in a text."""
    if not words:
        return lambda _: 0
    choices = "|".join(re.escape(word).replace("…", r"\w*") for word in words.split())
    pattern = re.compile(rf"\b(?:{choices})\b", re.IGNORECASE)
    return lambda text: len(pattern.findall(text))
