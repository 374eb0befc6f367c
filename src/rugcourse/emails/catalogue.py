"""The mails that rugcourse sends, one function each."""

from __future__ import annotations

import re
import secrets
import textwrap
from collections.abc import Callable
from functools import partial

from markupsafe import Markup, escape

from rugcourse.content import Course, FurtherReading, Lesson, Message, Question
from rugcourse.content.languages import language_for, text_for
from rugcourse.content.lesson_tags import LessonPlace, filled
from rugcourse.content.markdown import to_html, to_text
from rugcourse.content.safety_notice_tag import split_at_notice
from rugcourse.design import DesignTokens
from rugcourse.emails.branding import Branding
from rugcourse.emails.safety_notice import SafetyNoticeText, safety_notice_text
from rugcourse.emails.templates import EmailTemplate, compile_template, deferred
from rugcourse.i18n import translations
from rugcourse.links import Links, MailRef
from rugcourse.pictures.markup import mail_attributes, small_attributes

# Placeholder in `href` for the number of a link. Random and different in each process: an author can't type it.
_LINK_MARK = f"LINK{secrets.token_hex(8)}"
_LINK = re.compile(rf"{_LINK_MARK}N(\d+)X")
_TEXT_WIDTH = 76
_LOGO = (240, 48)  # at most, in pixels
_PHOTO = (52, 52)
_BEFORE_WORDS = re.compile(r"^ *(?:- |\d{1,9}[.)] )?")


def lesson_email(
    course: Course, lesson: Lesson, language: str, branding: Branding, links: Links, *, any_ground: bool = False
) -> EmailTemplate:
    """Compile a lesson. For the values of each reader see `templates/email/lesson.mjml`.

    `any_ground`: its campaign may also enrol people who asked for news.
    """
    of_course = language_for(course.texts, language)
    place = LessonPlace(lesson.number, course, of_course, partial(links.public_lesson, of_course, course.slug))
    text = filled(lesson.texts[language], place)
    targets: list[str] = []
    pieces = [_body(piece, branding, links, targets) for piece in split_at_notice(text.body)]
    further = [_further(one, targets) for one in text.further]
    is_last = lesson.slug == course.lessons[-1].slug
    return compile_template(
        "lesson",
        language,
        text.subject,
        {
            **_common(course, language, branding, links),
            "lesson": text,
            "number": lesson.number,
            "pieces": pieces,
            "notice": _levels(course, language),
            "further": further,
            "any_ground": any_ground,
            "next_step": _next_step(branding, language, links) if is_last else None,
        },
        tuple(targets),
        tokens=branding.tokens,
    )


def message_email(
    course: Course, message: Message, language: str, branding: Branding, links: Links, *, is_news: bool
) -> EmailTemplate:
    """Compile the message of a broadcast. For the values of each reader see `templates/email/message.mjml`.

    `is_news`: for people who asked for news, not for those who follow the course.
    """
    text = message.texts[language]
    targets: list[str] = []
    values = {**_common(course, language, branding, links), "message": text, "is_news": is_news}
    values |= _body(text.body, branding, links, targets)
    return compile_template("message", language, text.subject, values, tuple(targets), tokens=branding.tokens)


def confirm_email(course: Course, language: str, branding: Branding, links: Links) -> EmailTemplate:
    """Compile the mail that asks to confirm a signup. It contains nothing that the visitor typed."""
    subject = translations(language).gettext("Confirm that you want our email course")
    return _with_own_words("confirm", subject, course, language, branding, links)


def reminder_email(course: Course, language: str, branding: Branding, links: Links) -> EmailTemplate:
    """Compile the one reminder to confirm a signup. Like the first mail it contains nothing that the visitor typed."""
    subject = translations(language).gettext("Reminder: confirm that you want our email course")
    return _with_own_words("reminder", subject, course, language, branding, links)


def welcome_email(course: Course, language: str, branding: Branding, links: Links) -> EmailTemplate:
    """Compile the welcome mail, which says what comes and when."""
    subject = translations(language).gettext("You have signed up: here is what happens next")
    return _with_own_words("welcome", subject, course, language, branding, links)


def imported_email(course: Course, language: str, branding: Branding, links: Links) -> EmailTemplate:
    """Compile the first mail to an imported subscriber: where their address is from, what comes, how to stop it."""
    subject = translations(language).gettext("Your course by email, and how to stop it")
    return _of_course("imported", subject, course, language, branding, links)


def already_subscribed_email(course: Course, language: str, branding: Branding, links: Links) -> EmailTemplate:
    """Compile the mail to a reader with whose address somebody signed up again."""
    subject = translations(language).gettext("You are already taking this course")
    return _of_course("already-subscribed", subject, course, language, branding, links)


def magic_link_email(course: Course, language: str, branding: Branding, links: Links) -> EmailTemplate:
    """Compile the mail with a new link to the reader's own page."""
    subject = translations(language).gettext("The link to your page")
    return _of_course("magic-link", subject, course, language, branding, links)


def answer_links(question: Question, number: int, mail: MailRef, links: Links) -> list[str]:
    """Return one URL for each option of question `number` in the mail."""
    return [links.answer(mail, number, option) for option in range(len(question.options))]


def first_name(name: str) -> str:
    """Return the first word of a reader's name, for the greeting; may be empty."""
    return name.split(" ", 1)[0]


def _body(markdown: str, branding: Branding, links: Links, targets: list[str]) -> dict[str, object]:
    """Render a Markdown body as HTML and text. Appends its link targets to `targets`; its links are counted."""

    def numbered(target: str) -> str:
        targets.append(target)
        return f"{_LINK_MARK}N{len(targets) - 1}X"

    return _markdown(markdown, branding, links, numbered)


def _markdown(
    markdown: str,
    branding: Branding,
    links: Links,
    link: Callable[[str], str] = lambda target: target,
    *,
    named: bool = True,
) -> dict[str, object]:
    """Render Markdown as HTML and text. `link`: maps the target of a link to its `href`. `named`: the name is known."""
    styles = _styles(branding.tokens)
    first = deferred("first_name") if named else ""
    tags = {"first_name": first, "practice": str(escape(branding.practice))}
    html = to_html(markdown, styles, tags, link, mail_attributes(links.base_url))
    body = _LINK.sub(lambda match: deferred(f"link({match[1]})"), html)
    text = _wrapped(to_text(markdown, {**tags, "practice": branding.practice}))
    return {"body": Markup(body), "body_text": Markup(text)}  # noqa: S704 - Markdown without raw HTML; nobody can type template code


def _styles(tokens: DesignTokens) -> dict[str, str]:
    """Return the style of each element. Inline: many mail clients drop style sheets, none drops these."""
    space = tokens.space
    paragraph, item = f"margin:0 0 {space['m']}px 0;", f"margin:0 0 {space['s']}px 0;"
    heading = f"margin:{space['l']}px 0 {space['s']}px 0;line-height:1.35;"
    items = f"{paragraph}padding-left:{space['l']}px;"
    return {
        "p": paragraph,
        "ul": items,
        "ol": items,
        "li": item,
        "h2": f"{heading}font-size:19px;",
        "h3": f"{heading}font-size:17px;",
        "a": f"color:{tokens.light['accent']};",
    }


def _of_course(
    name: str, subject: str, course: Course, language: str, branding: Branding, links: Links
) -> EmailTemplate:
    """Compile a mail that needs nothing but its course."""
    return compile_template(name, language, subject, _common(course, language, branding, links), tokens=branding.tokens)


def _with_own_words(
    name: str, subject: str, course: Course, language: str, branding: Branding, links: Links
) -> EmailTemplate:
    """Compile a mail in the words that the sender chose, as far as there are any. Links in them are not counted."""
    own = branding.words_of(name, language)
    values = _common(course, language, branding, links)
    known = name == "welcome"  # before a confirmation, the name may be one that somebody else typed
    values["opening"] = _markdown(own.opening, branding, links, named=known) if own.opening else None
    return compile_template(name, language, own.subject or subject, values, tokens=branding.tokens)


def _next_step(branding: Branding, language: str, links: Links) -> dict[str, object] | None:
    """Return what a reader can do when the course has ended, or None.

    Its links are not counted: they are of the settings, which change, and mails that were sent keep theirs.
    """
    step = branding.next_steps.get(language)
    return {**_markdown(step.text, branding, links), "link": step.link, "label": step.label} if step else None


def _common(course: Course, language: str, branding: Branding, links: Links) -> dict[str, object]:
    of_course = language_for(course.texts, language)  # a message may be in a language that the course is not in
    author = branding.author_of(course)
    return {
        "course": course.texts[of_course],
        "safety_notice": course.safety_notices.get(of_course),
        "privacy_url": links.privacy(language),
        "safety_notice_url": links.safety_notice(of_course, course.slug),
        "course_url": links.course(of_course, course.slug),
        "branding": branding,
        "author": author,
        "author_line": author.line(language),
        "logo": small_attributes(branding.logo.picture, *_LOGO, links.base_url) if branding.logo else None,
        "photo": small_attributes(author.photo, *_PHOTO, links.base_url) if author.photo else None,
        "wrapped": _wrapped,
    }


def _levels(course: Course, language: str) -> SafetyNoticeText | None:
    """Return the safety notice that a lesson may show, or None if its course has none."""
    notices = course.safety_notices
    return safety_notice_text(text_for(notices, language), language) if notices else None


def _further(reading: FurtherReading, targets: list[str]) -> dict[str, object]:
    link = None
    if reading.link:
        targets.append(reading.link)
        link = deferred(f"link({len(targets) - 1})")
    return {"title": reading.title, "summary": reading.summary, "link": link, "target": reading.link}


def _indent(line: str) -> int:
    before = _BEFORE_WORDS.match(line)
    return before.end() if before else 0


def _wrapped(text: str) -> str:
    """Wrap paragraphs and list items to a width that every mail client shows."""
    return "\n".join(
        textwrap.fill(
            line,
            _TEXT_WIDTH,
            subsequent_indent=" " * _indent(line),
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in text.split("\n")
    )
