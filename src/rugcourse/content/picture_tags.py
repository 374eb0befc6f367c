"""Pictures in Markdown, which stand in a paragraph of their own.

    ![Two scales in balance](pictures/balance-9f86d081884c7d659a2feaa0c55ad015-1200x675.png)
    ![](pictures/line-….png "decorative")                    it says nothing: screen readers pass it by
    [![A hand on a back](pictures/still-….jpg)](https://video.example/x "Video: how to turn in bed (2:10)")

The last one is a card: picture and title lead to the video, and nothing is loaded from there before. In the files of
a course an address may be the name of any file in its folder `pictures`; the loader turns it into the first form.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from markdown_it.token import Token

from rugcourse.pictures.reference import FOLDER, PictureRef, parse_reference

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


def addresses_in(text: str) -> list[str]:
    """Return what a text names in the folder of pictures, whether it is there or not, and also in a line of code."""
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
