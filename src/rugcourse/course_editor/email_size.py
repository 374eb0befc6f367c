"""Measures mails before they are published: Gmail shows their first 102 kB, and hides the rest with its links."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from rugcourse.content import AuthoringErrors, Course, CourseText, Lesson, Message, Problem
from rugcourse.content.consistency import stem_of
from rugcourse.content.languages import text_for
from rugcourse.content.markdown import UnknownTag
from rugcourse.content.safety_notice_tag import split_at_notice
from rugcourse.emails.branding import Author, Branding
from rugcourse.emails.catalogue import lesson_email, message_email
from rugcourse.emails.templates import (
    ADVISED_HTML_BYTES,
    MAX_HTML_BYTES,
    EmailTemplate,
    EmailTooLarge,
    TemplateError,
)
from rugcourse.links import Links, Signer

# What a mail is made of at most, in bytes: the frame with two questions, and for each character (those beyond ASCII are
# numbers), line (an element with its style) and character of the safety notice. Rendering takes longer than adding up.
_FRAME, _PER_CHARACTER, _PER_LINE, _PER_NOTICE_CHARACTER = 30_000, 9, 25, 3
_NAME = "n" * 60  # of a practice and an author, longer than most


def email_bytes(course: Course, lesson: Lesson, language: str) -> int:
    """Return the size of a lesson's HTML, or 0 for a lesson that is short or can't be rendered yet."""
    if _at_most(course, lesson, language) < ADVISED_HTML_BYTES:
        return 0
    return _rendered(partial(lesson_email, course, lesson, language, any_ground=True), language)


def message_bytes(message: Message, language: str) -> int:
    """Return the size of a broadcast's HTML, below which the safety notice of its course comes; 0 for a short one."""
    body = message.texts[language].body
    if _FRAME + _PER_CHARACTER * len(body) + _PER_LINE * body.count("\n") < ADVISED_HTML_BYTES:
        return 0
    page = CourseText.model_construct(title=_NAME)
    course = Course.model_construct(slug="course", texts={language: page}, safety_notices={}, lessons=())
    return _rendered(partial(message_email, course, message, language, is_news=True), language)


def _rendered(compile_email: Callable[[Branding, Links], EmailTemplate], language: str) -> int:
    links = Links("https://courses.example.org", Signer.from_texts(("of links that nobody follows",)))
    branding = Branding(_NAME, Author(_NAME, {language: 4 * _NAME}), 2 * _NAME)
    try:
        return compile_email(branding, links).html_bytes
    except EmailTooLarge as error:
        return error.html_bytes
    except (TemplateError, UnknownTag):
        return 0  # other checks report it


def check_email_sizes(course: Course) -> None:
    """Raise AuthoringErrors for the lessons whose mail Gmail would cut off."""
    problems = [
        Problem(Path(course.slug) / file, 1, _message(size)) for file, size in _sizes(course) if size > MAX_HTML_BYTES
    ]
    if problems:
        raise AuthoringErrors(problems)


def large_emails(course: Course, folder: Path) -> list[Problem]:
    """Return the lessons in files whose mail comes near to what Gmail shows. It is advice."""
    return [
        Problem(folder / file, 1, _message(size))
        for file, size in _sizes(course)
        if ADVISED_HTML_BYTES < size <= MAX_HTML_BYTES
    ]


def _sizes(course: Course) -> Iterator[tuple[str, int]]:
    """Yield the name of each lesson's file, and the size of its mail."""
    for lesson in course.lessons:
        for language in lesson.texts:
            yield f"{stem_of(lesson.number, lesson.slug)}.{language}.md", email_bytes(course, lesson, language)


def _message(size: int) -> str:
    most = MAX_HTML_BYTES // 1000
    cure = "Shorten it, or divide it into two lessons"
    return f"its email has {size // 1000} kB of HTML; Gmail cuts off what is over {most} kB. {cure}"


def _at_most(course: Course, lesson: Lesson, language: str) -> int:
    text, notices = lesson.texts[language], course.safety_notices
    shows_notice = bool(notices) and len(split_at_notice(text.body)) > 1
    notice = len(text_for(notices, language).model_dump_json()) if shows_notice else 0
    lines = [text.title, text.subject, text.preheader, text.highlight, text.today, text.body]
    lines += [line for one in text.quiz for line in (one.question, *(option.text for option in one.options))]
    lines += [line for one in text.further for line in (one.title, one.summary, one.link or "")]
    of_text = _PER_CHARACTER * sum(map(len, lines)) + _PER_LINE * text.body.count("\n")
    return _FRAME + of_text + _PER_NOTICE_CHARACTER * notice
