"""Collects the content of an e-book as plain data, for all output formats."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rugcourse.content import Course, Lesson
from rugcourse.content.blocks import Block, to_blocks
from rugcourse.content.lesson_tags import LessonPlace, filled
from rugcourse.content.picture_search import pictures_in
from rugcourse.content.safety_notice_tag import split_at_notice
from rugcourse.design import WHITE
from rugcourse.emails.branding import Branding, Logo
from rugcourse.emails.safety_notice import safety_notice_text
from rugcourse.i18n import translations
from rugcourse.pictures.reference import PictureRef

Book = dict[str, Any]
_Notice = dict[str, object]


def book_of(course: Course, language: str, branding: Branding, site: str) -> Book:
    """Return a course as an e-book, with labels in its language. `site`: the URL of the course's page."""
    text = course.texts[language]
    tags = {"first_name": "", "practice": branding.practice}
    author = branding.author_of(course)
    notice = _safety_notice(course, language, tags)
    return {
        "language": language,
        "title": text.title,
        "tagline": text.tagline,
        "practice": branding.practice,
        "design": {"light": dict(branding.tokens.light), "serif": branding.tokens.serif},
        "logo": _logo(branding.logo, branding.practice),
        "author": author.name,
        "author_line": author.line(language),
        "qualifications": author.qualifications,
        "photo": _picture(author.photo, author.name) if author.photo else None,
        "next_step": _next_step(branding, language, tags),
        "cover_picture": _cover_picture(course, language),
        "site": site,
        "words": _words(language),
        "summary": list(text.summary),
        "about": to_blocks(text.body, tags),
        "chapters": [_chapter(course, lesson, language, tags, notice, site) for lesson in course.lessons],
        "safety_notice": notice,
        "further": [one.model_dump() for one in text.further],
        "sources": list(text.sources),
    }


def _logo(logo: Logo | None, practice: str) -> dict[str, object] | None:
    """Return the logo as a picture with the colour that it stands on: white, where none is chosen."""
    return {**_picture(logo.picture, practice), "background": logo.background or WHITE} if logo else None


def _picture(ref: PictureRef, alt: str) -> dict[str, object]:
    return {"kind": "picture", "file": ref.file_name, "width": ref.width, "height": ref.height, "alt": alt}


def _cover_picture(course: Course, language: str) -> dict[str, object] | None:
    """Return the first picture of the course page, or else of its lessons: what the course is about, at a glance."""
    bodies = [course.texts[language].body, *(lesson.texts[language].body for lesson in course.lessons)]
    first = next((ref for body in bodies for ref in pictures_in(body)), None)
    return _picture(first, "") if first else None


def _next_step(branding: Branding, language: str, tags: dict[str, str]) -> dict[str, object] | None:
    """Return what a reader can do when the book is read, in the words of the sender, or None."""
    step = branding.next_steps.get(language)
    return {"blocks": to_blocks(step.text, tags), "label": step.label, "link": step.link} if step else None


def _safety_notice(course: Course, language: str, tags: dict[str, str]) -> _Notice | None:
    notice = course.safety_notices.get(language)
    if notice is None:
        return None
    return {
        **asdict(safety_notice_text(notice, language)),
        "line": notice.line,
        "disclaimer": notice.disclaimer or "",
        "blocks": to_blocks(notice.body, tags),
    }


def description(book: Book) -> str:
    """Describe the e-book in one line, for catalogues and screen readers."""
    return f"{book['title']}: {book['tagline']}"


def _chapter(
    course: Course, lesson: Lesson, language: str, tags: dict[str, str], notice: _Notice | None, site: str
) -> dict[str, object]:
    place = LessonPlace(lesson.number, course, language, lambda slug: f"{site}/lessons/{slug}")
    text = filled(lesson.texts[language], place)
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


def _blocks(body: str, tags: dict[str, str], notice: _Notice | None) -> list[Block]:
    """Return the blocks of a lesson, in which `{"kind": "notice", "notice": …}` replaces each safety notice tag.

    An earlier version of a lesson may have a tag whose notice is gone: it then shows nothing.
    """
    first, *others = (to_blocks(piece, tags) for piece in split_at_notice(body))
    shown: list[Block] = [{"kind": "notice", "notice": notice}] if notice else []
    return [*first, *(one for piece in others for one in (*shown, *piece))]


def _words(language: str) -> dict[str, str]:
    _ = translations(language).gettext
    return {
        "contents": _("Contents"),
        "about": _("About this book"),
        "learn": _("What you will know"),
        "chapter": _("Lesson"),
        "remember": _("Remember"),
        "today": _("To do today"),
        "questions": _("Test yourself"),
        "answers": _("The answers"),
        "further": _("Further reading"),
        "sources": _("Sources"),
        "good_to_know": _("Good to know"),
        "author": _("About the author"),
        "next_step": _("What you can do next"),
        "by": _("by"),
        "online": _("Take the 2-minute test, or get the lessons by email:"),
    }
