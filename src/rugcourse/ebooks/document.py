"""Collects the content of an e-book as plain data, for all output formats."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rugcourse.content import Course, Lesson
from rugcourse.content.blocks import Block, to_blocks
from rugcourse.content.languages import text_for
from rugcourse.content.notice_tag import split_at_notice
from rugcourse.emails.catalogue import Branding
from rugcourse.emails.notices import notice_of
from rugcourse.i18n import translations

Book = dict[str, Any]


def book_of(course: Course, language: str, branding: Branding, site: str) -> Book:
    """Return a course as an e-book, with labels in its language. `site`: the URL of the course's page."""
    text, alarm = course.texts[language], course.alarm_signs[language]
    tags = {"first_name": "", "practice": branding.practice}
    notice = asdict(notice_of(alarm, language))
    return {
        "language": language,
        "title": text.title,
        "tagline": text.tagline,
        "practice": branding.practice,
        "author": branding.author_name,
        "author_line": text_for(branding.author_lines, language),
        "site": site,
        "words": _words(language),
        "summary": list(text.summary),
        "about": to_blocks(text.body, tags),
        "chapters": [_chapter(lesson, language, tags, notice) for lesson in course.lessons],
        "alarm": {**notice, "line": alarm.line, "blocks": to_blocks(alarm.body, tags)},
        "further": [one.model_dump() for one in text.further],
        "sources": list(text.sources),
    }


def description(book: Book) -> str:
    """Describe the e-book in one line, for catalogues and screen readers."""
    return f"{book['title']}: {book['tagline']}"


def _chapter(lesson: Lesson, language: str, tags: dict[str, str], notice: dict[str, object]) -> dict[str, object]:
    text = lesson.texts[language]
    return {
        "number": lesson.number,
        "slug": lesson.slug,
        "title": text.title,
        "blocks": _blocks(text.body, tags, notice),
        "highlight": text.highlight,
        "today": text.today,
        "questions": [
            {
                "question": question.question,
                "options": [option.text for option in question.options],
                "right": question.right_option,
                "why": question.options[question.right_option].why,
            }
            for question in text.quiz
        ],
    }


def _blocks(body: str, tags: dict[str, str], notice: dict[str, object]) -> list[Block]:
    """Return the blocks of a lesson, in which `{"kind": "notice", "notice": …}` replaces each alarm signs tag."""
    first, *others = (to_blocks(piece, tags) for piece in split_at_notice(body))
    return [*first, *(one for piece in others for one in ({"kind": "notice", "notice": notice}, *piece))]


def _words(language: str) -> dict[str, str]:
    _ = translations(language).gettext
    return {
        "contents": _("Contents"),
        "about": _("About this book"),
        "learn": _("What you will know"),
        "chapter": _("Lesson"),
        "remember": _("To remember"),
        "today": _("To do today"),
        "questions": _("Test yourself"),
        "answers": _("The answers"),
        "further": _("Further reading"),
        "sources": _("Sources"),
        "good_to_know": _("Good to know"),
        "author": _("About the author"),
        "by": _("by"),
        "online": _("Take the 2-minute test, or get the lessons by e-mail, one a day:"),
        "no_diagnosis": _("This book gives no diagnosis. When in doubt, ask your GP."),
    }
