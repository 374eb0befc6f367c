"""The attributes of `<img>`, on pages and in mails."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rugcourse.pictures.reference import MAIL_WIDTHS, PAGE_WIDTHS, PictureRef

ImageAttributes = Callable[[PictureRef], Mapping[str, str]]

_MAIL_COLUMN = 544  # pixels beside the margins of a mail, see templates/email/layout.mjml
_PAGE_COLUMN = 680  # of `main` in templates/web/static/style.css


def page_attributes(ref: PictureRef) -> dict[str, str]:
    """Return the attributes on a page: the browser chooses the file, and knows its place before it is there."""
    width, height = ref.shown_at_most(_PAGE_COLUMN)
    files = {ref.at_least(one) for one in PAGE_WIDTHS}
    return {
        "src": ref.path(ref.at_least(PAGE_WIDTHS[0])),
        "srcset": ", ".join(f"{ref.path(one)} {one}w" for one in sorted(files)),
        "sizes": f"(min-width: {_PAGE_COLUMN}px) {width}px, 100vw",
        "width": str(width),
        "height": str(height),
        "loading": "lazy",
        "decoding": "async",
    }


def small_attributes(ref: PictureRef, width: int, height: int, base_url: str = "") -> dict[str, str]:
    """Return the attributes of a logo or a face within `width` by `height` pixels, sharp on every screen.

    `base_url`: of the website, where the address has to be complete.
    """
    wide, high = ref.shown_within(width, height)
    return {"src": base_url + ref.path(ref.at_least(2 * wide)), "width": str(wide), "height": str(high)}


def mail_attributes(base_url: str) -> ImageAttributes:
    """Return a function for the attributes in a mail, whose addresses are complete.

    Outlook goes by `width`, others by the style; what it says of fonts is how the alt text looks where pictures are
    off, as they are in many mail programs until the reader wants them.
    """

    def attributes(ref: PictureRef) -> dict[str, str]:
        width, height = ref.shown_at_most(_MAIL_COLUMN)
        usual, sharp = (ref.at_least(one) for one in MAIL_WIDTHS)
        return {
            "src": base_url + ref.path(usual),
            **({"srcset": f"{base_url}{ref.path(sharp)} 2x"} if sharp != usual else {}),
            "width": str(width),
            "height": str(height),
            "border": "0",
            "style": f"display:block;width:100%;max-width:{width}px;height:auto;border:0;border-radius:8px;"
            "font-size:15px;line-height:1.5;font-style:italic;",
        }

    return attributes


def estimated_mail_bytes(ref: PictureRef, size: int) -> int:
    """Estimate what a picture of `size` bytes weighs in a mail on a sharp screen: bytes go with the pixels."""
    shown = ref.at_least(MAIL_WIDTHS[-1])
    return round(size * (shown / ref.width) ** 2)
