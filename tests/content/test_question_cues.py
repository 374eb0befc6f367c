"""A test measures knowledge only if nobody who knows nothing can do well in it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.builders import shipped_courses

from rugcourse.content import Course, Option, Question
from rugcourse.content.question_cues import GuessRule, cues, guessed_scores

COURSES = [(course, language) for course in shipped_courses() for language in course.languages]


def question(right: int, *texts: str) -> Question:
    options = tuple(Option(text=text, right=index == right, why="So.") for index, text in enumerate(texts))
    return Question(id="one", question="What?", options=options)


def score(rule: GuessRule, questions: Sequence[Question], language: str = "en") -> Fraction:
    return next(one.score for one in guessed_scores(questions, language) if one.rule == rule)


def rules(questions: Sequence[Question], language: str = "en") -> set[GuessRule]:
    return {one.rule for one in cues(questions, language)}


@pytest.mark.parametrize(("course", "language"), COURSES)
def test_no_rule_passes_a_shipped_test_by_more_than_chance_and_one(course: Course, language: str) -> None:
    assert cues(course.tests[language].questions, language) == []


@pytest.mark.parametrize(("course", "language"), COURSES)
def test_no_rule_passes_the_questions_of_the_shipped_lessons_together(course: Course, language: str) -> None:
    assert cues([one for lesson in course.lessons for one in lesson.texts[language].quiz], language) == []


def test_a_test_whose_right_options_are_the_longest_is_told() -> None:
    asked = [
        question(index % 3, *("long enough" if n == index % 3 else "short" for n in range(3))) for index in range(6)
    ]
    [found] = cues(asked, "en")
    assert (found.rule, found.score, found.chance, found.questions) == (GuessRule.LONGEST, Fraction(6), Fraction(2), 6)


def test_a_test_whose_right_options_are_the_shortest_is_told() -> None:
    asked = [
        question(index % 3, *("short" if n == index % 3 else "long enough" for n in range(3))) for index in range(6)
    ]
    assert rules(asked) == {GuessRule.SHORTEST}


@pytest.mark.parametrize(
    ("place", "rule"),
    [(0, GuessRule.FIRST), (1, GuessRule.SECOND), (2, GuessRule.THIRD), (3, GuessRule.FOURTH)],
)
def test_a_test_whose_right_options_have_one_place_is_told(place: int, rule: GuessRule) -> None:
    assert rules([question(place, "aaa", "bbb", "ccc", "ddd")] * 4) == {rule}


@pytest.mark.parametrize(
    ("language", "absolute", "neutral"),
    [
        ("en", "Only at work", "Now at work"),
        ("nl", "Alleen op je werk", "Meteen op je werk"),
        ("nl", "Bij iedere beweging", "Bij lichte beweging"),
        ("de", "Nur bei der Arbeit", "Nun bei der Arbeit"),
    ],
)
def test_absolute_words_in_wrong_options_alone_are_told(language: str, absolute: str, neutral: str) -> None:
    asked = [question(n % 3, *(neutral if one == n % 3 else absolute for one in range(3))) for n in range(6)]
    assert score(GuessRule.NOT_ABSOLUTE, asked, language) == 6
    assert GuessRule.NOT_ABSOLUTE in rules(asked, language)


@pytest.mark.parametrize(
    ("language", "cautious", "neutral"),
    [
        ("en", "It often helps", "It truly helps"),
        ("nl", "Het helpt vaak", "Het helpt goed"),
        ("de", "Es hilft oft", "Es hilft gut"),
    ],
)
def test_cautious_words_in_right_options_alone_are_told(language: str, cautious: str, neutral: str) -> None:
    asked = [question(n % 3, *(cautious if one == n % 3 else neutral for one in range(3))) for n in range(6)]
    assert score(GuessRule.QUALIFIED, asked, language) == 6


def test_words_are_no_cue_in_a_language_without_lists_but_length_is() -> None:
    asked = [question(n % 3, *("jamais" if one == n % 3 else "toujours" for one in range(3))) for n in range(6)]
    assert score(GuessRule.NOT_ABSOLUTE, asked, "fr") == 2
    assert rules(asked, "fr") == {GuessRule.SHORTEST}


def test_a_word_within_another_is_no_cue() -> None:
    assert score(GuessRule.NOT_ABSOLUTE, [question(0, "A ballroom", "A small room", "A large hall")]) == Fraction(1, 3)


def test_options_that_fit_a_rule_equally_are_chosen_among_by_lot() -> None:
    asked = [question(0, "four", "five", "no")]
    assert score(GuessRule.LONGEST, asked) == Fraction(1, 2)
    assert score(GuessRule.QUALIFIED, asked) == Fraction(1, 3)
    assert score(GuessRule.FOURTH, asked) == Fraction(1, 3)


def test_one_more_than_chance_is_luck_and_no_cue() -> None:
    mixed = [question(0, "aaa", "bbb", "ccc")] * 2 + [question(1, "aaa", "bbb", "ccc")]
    assert rules(mixed) == set()
    assert rules([*mixed[:2], mixed[0]]) == {GuessRule.FIRST}


def test_too_few_questions_for_a_pattern_have_no_cues() -> None:
    assert cues([], "en") == []
    assert cues([question(0, "aaa", "bbb", "ccc")] * 2, "en") == []


LINES = st.text("abcd ëü", min_size=1, max_size=9).map(lambda text: text.strip() or "x")


@given(st.lists(st.tuples(st.integers(0, 2), st.tuples(LINES, LINES, LINES))))
def test_the_places_share_the_right_answers_out(drawn: list[tuple[int, tuple[str, str, str]]]) -> None:
    asked = [question(right, *texts) for right, texts in drawn]
    places = (GuessRule.FIRST, GuessRule.SECOND, GuessRule.THIRD)
    assert sum(score(one, asked) for one in places) == len(asked)
    assert all(0 <= one.score <= len(asked) for one in guessed_scores(asked, "en"))
