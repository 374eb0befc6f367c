"""The parts of a course that are not lessons, as forms: which fields each has, and how they repeat.

A field belongs to a language (`nl.title`), or is the same in all of them (`sample`). Rows repeat: `nl.tiles.0.title`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rugcourse.content.model import OPTION_KEYS, Urgency
from rugcourse.i18n import N_
from rugcourse.scheduling import WEEKDAYS


class CoursePart(StrEnum):
    """A part with a draft of its own. `ORDER`, that of the lessons, and `ARTICLE` have no form."""

    PAGE = "page"
    TEST = "test"
    NOTICE = "notice"
    ORDER = "order"
    ARTICLE = "article"  # what the course is made from, see `article_source`


class Input(StrEnum):
    """How a field is typed."""

    LINE = "line"
    TEXT = "text"  # several lines, without Markdown
    LINES = "lines"  # one item a line
    MARKDOWN = "markdown"
    DATE = "date"
    LESSON = "lesson"  # the slug of a lesson
    TOPIC = "topic"  # the number of a topic of the test, from 0
    URGENCY = "urgency"
    URGENCIES = "urgencies"  # several, with spaces between them
    OPTION = "option"  # the number of the right option, from 0
    NUMBER = "number"
    AUTHOR = "author"  # the name of an author of the site's settings, for courses
    WEEKDAYS = "weekdays"  # their names in English, with spaces between them


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form. `shared`: the same in all languages. `label` and `hint` are message ids; a field
    without a label is kept, and not shown. `default`: its value while nothing is typed.
    """

    name: str
    label: str
    input: Input = Input.LINE
    shared: bool = False
    required: bool = False
    hint: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Fields that repeat, at most `most` times. `label`: what one of them is called, a message id."""

    name: str
    label: str
    most: int
    fields: tuple[Field | RowGroup, ...]
    hint: str = ""

    @property
    def is_shared(self) -> bool:
        """Whether translations must have the same rows."""
        return self.name == "options" or any(isinstance(one, Field) and one.shared for one in self.fields)


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a part."""

    part: CoursePart
    title: str
    fields: tuple[Field | RowGroup, ...]
    hint: str = ""


_CADENCE = (
    Field(
        "cadence_weekdays",
        N_("Days on which lessons come"),
        Input.WEEKDAYS,
        shared=True,
        default=" ".join(WEEKDAYS),
        hint=N_("Readers choose the time, and can choose fewer of these days."),
    ),
    Field(
        "cadence_every_days",
        N_("Days from one lesson to the next"),
        Input.NUMBER,
        shared=True,
        default="1",
        hint=N_("1 is a lesson every day, 7 a lesson every week."),
    ),
    Field(
        "cadence_unanswered_days",
        N_("Wait for a quiz answer, for up to this many days (optional)"),
        Input.NUMBER,
        shared=True,
        hint=N_("The next lesson then comes when a reader has answered the quiz, or when these days are over."),
    ),
)

_READING = (
    Field("title", N_("Title")),
    Field("summary", N_("What it says, in a sentence")),
    Field("link", N_("Link (optional)")),
)

PAGE = Form(
    CoursePart.PAGE,
    N_("Course page"),
    (
        Field("title", N_("Title of the course"), required=True),
        Field("tagline", N_("What the course is about, in one sentence"), required=True),
        Field("body", N_("Text (Markdown)"), Input.MARKDOWN, required=True),
        Field("summary", N_("What readers will learn, one per line"), Input.LINES, required=True),
        Field("sample", N_("Sample lesson for visitors"), Input.LESSON, shared=True),
        Field("author", N_("Author"), Input.AUTHOR, shared=True),
        *_CADENCE,
        RowGroup(
            "tiles",
            N_("Tile"),
            40,
            (
                Field("lesson", N_("Lesson"), Input.LESSON, shared=True),
                Field("title", N_("Title")),
                Field("line", N_("What the lesson is about, in a few words")),
            ),
            N_("Each tile links to a lesson. Tiles are optional."),
        ),
        RowGroup("further", N_("Further reading"), 40, _READING),
        Field("sources", N_("Sources of the lessons, one per line"), Input.LINES),
    ),
)

TEST = Form(
    CoursePart.TEST,
    N_("Knowledge test"),
    (
        Field("title", N_("Title"), required=True),
        Field("body", N_("Text above the first question (Markdown)"), Input.MARKDOWN, required=True),
        Field("surprise", "", shared=True),
        RowGroup(
            "topics",
            N_("Topic"),
            20,
            (
                Field("id", "", shared=True),
                Field("lesson", N_("Lesson about it (optional)"), Input.LESSON, shared=True),
                Field("name", N_("Name of the topic")),
            ),
            N_("The result shows what a visitor knows about each topic, with a link to the lesson."),
        ),
        RowGroup(
            "questions",
            N_("Question"),
            20,
            (
                Field("id", "", shared=True),
                Field("question", N_("Question")),
                Field("topic", N_("Topic"), Input.TOPIC, shared=True),
                Field("right", N_("Right"), Input.OPTION, shared=True),
                RowGroup(
                    "options",
                    N_("Answer"),
                    len(OPTION_KEYS),
                    (Field("text", N_("Answer")), Field("why", N_("Why it is right or wrong"))),
                ),
            ),
            N_("At least two questions, with two to four answers each."),
        ),
    ),
    N_("Visitors take the test before they sign up, and readers take it again at the end. The test is optional."),
)

NOTICE = Form(
    CoursePart.NOTICE,
    N_("Safety notice"),
    (
        Field("title", N_("Title"), required=True),
        Field("line", N_("One sentence, shown in every email and on every page"), Input.TEXT, required=True),
        Field("link_text", N_("Link text after that sentence")),
        Field("disclaimer", N_("What the course can't do, such as making a diagnosis"), Input.TEXT),
        Field("body", N_("Text above the signs on the page of the notice (Markdown)"), Input.MARKDOWN, required=True),
        RowGroup(
            "levels",
            N_("Level of urgency"),
            12,
            (
                Field("urgency", N_("How soon to get help"), Input.URGENCY, shared=True),
                Field("title", N_("Title, such as: Call the emergency number")),
                Field("action", N_("What to do (optional)")),
                Field("signs", N_("Signs, one per line"), Input.LINES),
            ),
        ),
        RowGroup(
            "numbers",
            N_("Telephone number"),
            60,
            (
                Field("country", N_("Country, two letters such as gb")),
                Field("label", N_("Who answers this number")),
                Field("number", N_("Telephone number")),
                Field("levels", N_("Show with this level"), Input.URGENCIES),
            ),
        ),
        Field("good_to_know", N_("Good to know, one per line"), Input.LINES),
        Field("reviewed", N_("Last reviewed on"), Input.DATE),
        Field("reviewer", N_("Reviewed by")),
        Field("reviewer_role", N_("Profession of the reviewer")),
        RowGroup(
            "sources",
            N_("Source"),
            60,
            (Field("title", N_("Title")), Field("year", N_("Year")), Field("link", N_("Link (optional)"))),
        ),
    ),
    N_(
        "When readers should get help. For back pain, these are the warning signs. A course that cannot "
        "cause harm does not need one."
    ),
)

FORMS = {form.part: form for form in (PAGE, TEST, NOTICE)}
URGENCIES = tuple(Urgency)


def names_of(form: Form, languages: Sequence[str]) -> Iterator[tuple[str, Field]]:
    """Yield the names of all fields that a form may have, with their field."""
    for item in form.fields:
        yield from _names("", item, languages)


def _names(path: str, item: Field | RowGroup, languages: Sequence[str]) -> Iterator[tuple[str, Field]]:
    if isinstance(item, Field):
        for prefix in ("",) if item.shared else (f"{language}." for language in languages):
            yield f"{prefix}{path}{item.name}", item
        return
    for number in range(item.most):
        for one in item.fields:
            yield from _names(f"{path}{item.name}.{number}.", one, languages)


def labels_at(form: Form, name: str) -> list[tuple[str, int | None]]:
    """Return what a field is called, from the outside in: labels (message ids), and for a row its number, from 1.

    `name`: of a field, such as `nl.questions.0.options.1.text`.
    """
    path = name.split(".")
    items: tuple[Field | RowGroup, ...] = form.fields
    labels: list[tuple[str, int | None]] = []
    while path:
        item = next((one for one in items if one.name == path[0]), None)
        if item is None:
            path = path[1:]  # the language
        elif isinstance(item, Field):
            return [*labels, (item.label, None)]
        else:
            number = int(path[1]) if len(path) > 1 and path[1].isdecimal() else 0
            labels.append((item.label, number + 1))
            items, path = item.fields, path[2:]
    return labels
