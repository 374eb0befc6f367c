"""Advice on questions that somebody who knows nothing can answer from cues: see `content.question_cues`.

The questions of a knowledge test are looked at together, and so are those of all lessons of a course. It is advice: it
keeps nobody from publishing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from rugcourse.content import Course, KnowledgeTest, Lesson, Problem, Question
from rugcourse.content.consistency import TextRef
from rugcourse.content.question_cues import GuessedScore, GuessRule, cues
from rugcourse.course_editor import form_fields
from rugcourse.course_editor.course_draft import CourseDraft
from rugcourse.course_editor.course_publishing import CourseFinding
from rugcourse.course_editor.linter import LintFinding
from rugcourse.course_editor.part_fields import language_document
from rugcourse.course_editor.parts import FORMS, CoursePart

_CHOICES: Mapping[GuessRule, str] = {
    GuessRule.LONGEST: "the longest option",
    GuessRule.SHORTEST: "the shortest option",
    GuessRule.QUALIFIED: "the most cautious option (usually, often, sometimes)",
    GuessRule.NOT_ABSOLUTE: "an option without always, never or only",
    GuessRule.FIRST: "the first option",
    GuessRule.SECOND: "the second option",
    GuessRule.THIRD: "the third option",
    GuessRule.FOURTH: "the fourth option",
}


def guessable(course: Course, folder: Path) -> list[Problem]:
    """Return the cues in the questions of a course in files, which are in `folder`."""
    found = []
    for language in course.languages:
        if language in course.tests:
            file = folder / TextRef("test", language).file_name
            found += [Problem(file, 1, _sentence(one)) for one in cues(course.tests[language].questions, language)]
        asked = [question for lesson in course.lessons for question in lesson.texts[language].quiz]
        first = folder / f"01-{course.lessons[0].slug}.{language}.md"
        found += [Problem(first, 1, f"in all lessons together, {_sentence(one)}") for one in cues(asked, language)]
    return found


def advice(draft: CourseDraft, language: str) -> list[CourseFinding]:
    """Return the cues in the questions of a course as it is written, in a language. Unfinished texts are passed over.

    The place of a finding is the test, or the order for the lessons together.
    """
    test = cues(_test_questions(draft, language), language)
    lessons = cues(list(_lesson_questions(draft, language)), language)
    return [
        *(CourseFinding(CoursePart.TEST, language, _finding(one)) for one in test),
        *(CourseFinding(CoursePart.ORDER, language, _finding(one)) for one in lessons),
    ]


def _test_questions(draft: CourseDraft, language: str) -> Sequence[Question]:
    document = language_document(FORMS[CoursePart.TEST], draft.fields(CoursePart.TEST), language, draft.languages)
    try:
        return KnowledgeTest.model_validate(document).questions if document is not None else ()
    except ValidationError:
        return ()


def _lesson_questions(draft: CourseDraft, language: str) -> Iterator[Question]:
    for lesson in draft.lessons:
        document = form_fields.document_of(lesson.fields, lesson.slug, 1, [language])
        try:
            texts = Lesson.model_validate(document).texts
        except ValidationError:
            continue
        yield from texts[language].quiz if language in texts else ()


def _finding(one: GuessedScore) -> LintFinding:
    values = {
        "rule": one.rule.value,
        "score": round(float(one.score), 1),
        "chance": round(float(one.chance), 1),
        "questions": one.questions,
    }
    return LintFinding("guessable", "", is_error=False, values=values)


def _sentence(one: GuessedScore) -> str:
    return (
        f"who always chooses {_CHOICES[one.rule]} gets {float(one.score):.1f} of {one.questions} questions right "
        f"without knowing anything (by chance: {float(one.chance):.1f})"
    )
