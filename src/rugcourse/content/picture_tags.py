"""Pictures in Markdown, which stand in a paragraph of their own.

    ![Two scales in balance](pictures/balance-9f86d081884c7d659a2feaa0c55ad015-1200x675.png)
    ![](pictures/line-….png "decorative")                    it says nothing: screen readers pass it by
    [![A hand on a back](pictures/still-….jpg)](https://video.example/x "Video: how to turn in bed (2:10)")

The last one is a card: picture and title lead to the video, and nothing is loaded from there before. In the files of
a course an address may be the name of any file in its folder `pictures`; the loader turns it into the first form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from markdown_it.token import Token

from rugcourse.pictures.reference import FOLDER, PictureRef, parse_reference

if TYPE_CHECKING:
    from rugcourse.content.model import Course

DECORATIVE = "decorative"  # the title of a picture that needs no alt text
_ADDRESS = re.compile(rf"(?<![\w./-]){FOLDER}/[A-Za-z0-9][A-Za-z0-9._-]{{0,150}}")


class PictureTag(NamedTuple):
    """A picture in a paragraph of its own. `link` is empty if it leads nowhere; `title` is that of a card."""

    address: str
    alt: str
    is_decorative: bool
    link: str = ""
    title: str = ""

    @property
    def ref(self) -> PictureRef | None:
        return parse_reference(self.address)


def picture_in(tokens: Sequence[Token]) -> PictureTag | None:
    """Return the picture of a paragraph that holds nothing else, or None. `tokens`: what its inline token holds."""
    match [one for one in tokens if not _is_blank(one)]:
        case [Token(type="image") as image]:
            return _tag(image)
        case [Token(type="link_open") as link, Token(type="image") as image, Token(type="link_close")]:
            return _tag(image)._replace(link=_attribute(link, "href"), title=_attribute(link, "title"))
    return None


def alt_of(image: Token) -> str:
    """Return the alt text of an image token, without Markdown."""
    return "".join(one.content or " " * (one.type == "softbreak") for one in image.children or []).strip()


def pictures_in(text: str) -> list[PictureRef]:
    """Return the pictures that a text names, each once. Does not parse it, so one in a line of code counts too."""
    found = (parse_reference(match[0]) for match in _ADDRESS.finditer(text))
    return list(dict.fromkeys(one for one in found if one is not None))


def pictures_of(course: Course) -> list[PictureRef]:
    """Return the pictures of a course, each once."""
    return list(dict.fromkeys(ref for body in bodies_of(course) for ref in pictures_in(body)))


def bodies_of(course: Course) -> Iterator[str]:
    """Yield the Markdown texts of a course."""
    for texts in (course.texts, course.tests, course.safety_notices):
        yield from (one.body for one in texts.values())
    for lesson in course.lessons:
        yield from (one.body for one in lesson.texts.values())


def addresses_in(text: str) -> list[str]:
    """Return what a text names in the folder of pictures, whether it is there or not."""
    return list(dict.fromkeys(match[0] for match in _ADDRESS.finditer(text)))


def with_addresses(text: str, addresses: dict[str, str]) -> str:
    """Replace addresses of pictures in a text. `addresses`: old → new."""
    return _ADDRESS.sub(lambda match: addresses.get(match[0], match[0]), text)


def _tag(image: Token) -> PictureTag:
    alt = alt_of(image)
    return PictureTag(_attribute(image, "src"), alt, _attribute(image, "title") == DECORATIVE and not alt)


def _attribute(token: Token, name: str) -> str:
    return str(token.attrs.get(name, ""))


def _is_blank(token: Token) -> bool:
    return token.type == "softbreak" or (token.type == "text" and not token.content.strip())
