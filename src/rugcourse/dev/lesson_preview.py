"""Renders a lesson to files for authors, as readers get it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path

from rugcourse.bootstrap import sender
from rugcourse.content import Course, Lesson
from rugcourse.content.picture_files import PictureFile, PictureFolder
from rugcourse.email_preview.sample import SampleEmails
from rugcourse.emails.branding import branding_of
from rugcourse.errors import NotFoundError
from rugcourse.pictures.reference import FOLDER, rendition_widths
from rugcourse.settings import Settings

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_WIDTHS = {"desktop": 800, "phone": 500}  # 500 is the narrowest window that Chromium opens
_HEIGHT = 3400
_BROWSER_SECONDS = 60


class PreviewNotFound(NotFoundError):
    """No course has a lesson with this slug in this language."""


def render_lesson(
    settings: Settings, courses: Sequence[Course], slug: str, language: str | None, out: Path, folder: Path
) -> list[Path]:
    """Write the lesson `slug` into the folder `out`, and return the files. Raises PreviewNotFound.

    `folder`: the one of all courses, where the pictures are; they are written beside the page, which shows them from
    there. Links belong to no reader, so they open nothing. Screenshots are made if Chromium is installed.
    """
    course, lesson = _find(courses, slug)
    languages = [language] if language else list(lesson.texts)
    if not set(languages) <= set(lesson.texts):
        raise PreviewNotFound(f"the lesson {slug} is in {', '.join(lesson.texts)}, not in {language}")
    out.mkdir(parents=True, exist_ok=True)
    shown = list(PictureFolder(folder / course.slug).files(course))
    return [file for one in languages for file in _write(settings, course, lesson, one, out, shown)]


def find_browser() -> str | None:
    return next((path for name in _BROWSERS if (path := shutil.which(name))), None)


def _find(courses: Sequence[Course], slug: str) -> tuple[Course, Lesson]:
    for course in courses:
        if (lesson := course.lesson(slug)) is not None:
            return course, lesson
    known = ", ".join(lesson.slug for course in courses for lesson in course.lessons)
    raise PreviewNotFound(f"there is no lesson {slug}; there are: {known}")


def _write(
    settings: Settings, course: Course, lesson: Lesson, language: str, out: Path, shown: Sequence[PictureFile]
) -> list[Path]:
    sample_emails = SampleEmails(settings.base_url, branding_of(settings), sender(settings))
    raw = sample_emails.of_lesson(course, lesson, language, datetime.now(UTC))
    message = message_from_bytes(raw, policy=policy.default)
    stem = out / f"{lesson.slug}.{language}"
    files = [stem.with_name(f"{stem.name}.eml")]
    files[0].write_bytes(raw)
    for kind, suffix in (("html", "html"), ("plain", "txt")):
        part = message.get_body((kind,))
        file = stem.with_name(f"{stem.name}.{suffix}")
        file.write_text(part.get_content() if part else "", encoding="utf-8")
        files.append(file)
    page = stem.with_name(f"{stem.name}.html")
    return files + _show_pictures(page, settings.base_url, shown) + _screenshots(page)


def _show_pictures(page: Path, base_url: str, shown: Sequence[PictureFile]) -> list[Path]:
    """Write the pictures of a page beside it, and let it show these: the website may not have them, or not run."""
    html, written = page.read_text(encoding="utf-8"), []
    for ref, content in shown:
        addresses = {base_url + ref.path(width) for width in rendition_widths(ref.width)}
        if not any(one in html for one in addresses):
            continue
        for one in addresses:
            html = html.replace(one, ref.address)
        file = page.parent / FOLDER / ref.file_name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        written.append(file)
    page.write_text(html, encoding="utf-8")
    return written


def _screenshots(page: Path) -> list[Path]:
    browser = find_browser()
    if browser is None:
        return []
    pictures = []
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
    for name, width in _WIDTHS.items():
        picture = page.with_name(f"{page.stem}.{name}.png")
        subprocess.run(  # noqa: S603 - a browser from the PATH, a file of ours
            [browser, *options, f"--window-size={width},{_HEIGHT}", f"--screenshot={picture}", page.resolve().as_uri()],
            check=False,
            capture_output=True,
            timeout=_BROWSER_SECONDS,
        )
        if picture.exists():
            pictures.append(picture)
    return pictures
