"""Reads .odt files, with odfdo, into HTML of a few elements.

odfdo finds the text and what a style looks like, in an archive that is made here of two parts of the file. Its own
export to Markdown is not used: that has footnotes, contents and text boxes in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZIP_STORED, ZipFile

from rugcourse.articles.archives import DAMAGED, TOO_LARGE, Archive
from rugcourse.articles.errors import ArticleError
from rugcourse.articles.left_out import LeftOutCounts
from rugcourse.articles.limits import Gauge
from rugcourse.articles.media import EXTENSIONS, SOURCE_SCHEME
from rugcourse.i18n import N_

if TYPE_CHECKING:
    from odfdo import Document, Element

_MOST_CONTENT_BYTES = 25_000_000  # odfdo has all of it in memory, ten times as large
_MOST_ELEMENTS = 1_000_000  # with their end tags
_MOST_STYLE_BYTES = 5_000_000
_MOST_MANIFEST_BYTES = 2_000_000
_DEEPEST = 60  # levels of elements
_MIME_TYPES = ("application/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text-template")
_MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">
<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.text"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>
<manifest:file-entry manifest:full-path="styles.xml" manifest:media-type="text/xml"/>
</manifest:manifest>"""
_NO_STYLES = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-styles'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"/>'
)
_INDEXES = {
    "text:table-of-content", "text:alphabetical-index", "text:illustration-index", "text:table-index",
    "text:object-index", "text:user-index", "text:bibliography",
}  # fmt: skip
_SKIPPED = {*_INDEXES, "office:forms", "text:sequence-decls", "text:variable-decls", "text:user-field-decls"}
_SKIPPED |= {"text:hidden-text", "text:hidden-paragraph", "office:annotation-end", "text:tracked-changes"}
_TABLE = {"table:table": "table", "table:table-row": "tr", "table:table-cell": "td"}

_STYLE_NAME = re.compile(r"[\w.-]{1,100}")

_NO_TEXT_FILE = N_("This is no OpenDocument text. Open it in LibreOffice and save it as .odt.")
_PROTECTED = N_("The file is protected with a password. Save it without one, and upload that.")
_TOO_DEEP = N_("Its tables stand too deep within each other. Copy the text into a new document and upload that.")


def read_opendocument(archive: Archive, left_out: LeftOutCounts) -> str:
    """Return the text of an .odt as HTML, and count what is left out. Raises ArticleError."""
    names = archive.names
    if "mimetype" not in names or archive.read("mimetype", 200).decode("ascii", "replace").strip() not in _MIME_TYPES:
        raise ArticleError(_NO_TEXT_FILE)
    manifest = "META-INF/manifest.xml"
    if manifest in names and b"encryption-data" in archive.read_xml(manifest, _MOST_MANIFEST_BYTES):
        raise ArticleError(_PROTECTED)
    left_out.macros += any(name.startswith(("Basic/", "Scripts/")) for name in names)
    content = archive.read_xml("content.xml", _MOST_CONTENT_BYTES)
    if content.count(b"<") > _MOST_ELEMENTS:
        raise ArticleError(TOO_LARGE)
    styles = archive.read_xml("styles.xml", _MOST_STYLE_BYTES) if "styles.xml" in names else _NO_STYLES.encode()
    reader = _OpenDocumentReader(_opened(content, styles), left_out, names)
    try:
        return "".join(reader.read())
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise ArticleError(DAMAGED) from error  # what odfdo raises for XML that is no text


def _opened(content: bytes, styles: bytes) -> Document:
    """Have odfdo open an archive of our own, which holds no file but text and styles."""
    from lxml.etree import XMLSyntaxError  # noqa: PLC0415 - loaded only by who reads an article
    from odfdo import Document  # noqa: PLC0415
    from odfdo.security import SecurityError  # noqa: PLC0415

    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_STORED) as archive:
        archive.writestr("mimetype", _MIME_TYPES[0])
        archive.writestr("content.xml", content)
        archive.writestr("styles.xml", styles)
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
    packed.seek(0)
    try:
        document = Document(packed)
        _ = document.body
    except (XMLSyntaxError, SecurityError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise ArticleError(DAMAGED) from error
    return document


@dataclass(slots=True)
class _OpenDocumentReader:
    document: Document
    left_out: LeftOutCounts
    names: frozenset[str]
    gauge: Gauge = field(default_factory=Gauge)
    _styles_read: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    _names: dict[str, str] = field(default_factory=dict)

    def read(self) -> Iterator[str]:
        yield from self._children(self.document.body, 0)

    def _children(self, element: Element, depth: int) -> Iterator[str]:
        if depth > _DEEPEST:
            raise ArticleError(_TOO_DEEP)
        for child in element.children:
            yield from self._element(child, depth + 1)
            yield self._text(child.tail)

    def _text(self, text: str | None) -> str:
        self.gauge.read(text or "")
        return escape(text or "")

    def _element(self, element: Element, depth: int) -> Iterator[str]:
        tag = element.tag
        if self._is_left_out(element, tag):
            return
        match tag:
            case "text:h" | "text:p":
                yield from self._paragraph(element, depth)
            case "text:list":
                yield from self._list(element, depth)
            case "text:list-item" | "text:list-header":
                yield from self._within("li", element, depth)
            case "text:span":
                yield from self._span(element, depth)
            case "text:a":
                href = escape(element.get_attribute_string("xlink:href") or "")
                yield from self._within("a", element, depth, f' href="{href}"')
            case "text:line-break":
                yield "<br>"
            case "text:s" | "text:tab":
                yield " "
            case "table:table" | "table:table-row" | "table:table-cell":
                yield from self._within(_TABLE[tag], element, depth)
            case _:
                yield from self._unknown(element, depth)

    def _unknown(self, element: Element, depth: int) -> Iterator[str]:
        """Yield a picture, or else what stands within an element."""
        if source := self._picture_of(element):
            yield f'<img src="{escape(SOURCE_SCHEME + source)}" alt="{escape(_description(element))}">'
            return
        yield self._text(element.text)
        yield from self._children(element, depth)

    def _picture_of(self, frame: Element) -> str:
        """Return which file of the archive a frame shows, or "". LibreOffice writes one picture in several kinds."""
        if frame.tag != "draw:frame":
            return ""
        addresses = (one.get_attribute_string("xlink:href") or "" for one in frame.children if one.tag == "draw:image")
        here = [one for one in addresses if one in self.names]
        return next((one for one in here if one.lower().endswith(EXTENSIONS)), "")

    def _within(self, name: str, element: Element, depth: int, attributes: str = "") -> Iterator[str]:
        yield f"<{name}{attributes}>{self._text(element.text)}"
        yield from self._children(element, depth)
        yield f"</{name}>"

    def _paragraph(self, element: Element, depth: int) -> Iterator[str]:
        name = "p"
        style = self._style_name(element)
        if element.tag == "text:h":
            level = element.get_attribute_string("text:outline-level") or "1"
            name = f"h{min(max(int(level), 1), 6)}" if level.isdecimal() and len(level) < 3 else "h6"
        elif style == "Title":
            yield from self._within("h1", element, depth, ' class="title"')
            return
        elif style == "Quotations":
            name = "blockquote"
        tags = self._tags(element, "paragraph") if name == "p" else ()
        yield from self._within(name, element, depth) if not tags else self._styled(name, tags, element, depth)

    def _span(self, element: Element, depth: int) -> Iterator[str]:
        yield from self._styled("span", self._tags(element, "text"), element, depth)

    def _styled(self, name: str, tags: tuple[str, ...], element: Element, depth: int) -> Iterator[str]:
        yield f"<{name}>" + "".join(f"<{tag}>" for tag in tags) + self._text(element.text)
        yield from self._children(element, depth)
        yield "".join(f"</{tag}>" for tag in reversed(tags)) + f"</{name}>"

    def _list(self, element: Element, depth: int) -> Iterator[str]:
        name = "ol" if self._is_ordered(element) else "ul"
        yield f"<{name}>"
        yield from self._children(element, depth)
        yield f"</{name}>"

    def _is_ordered(self, element: Element) -> bool:
        style = self._style("list", element.get_attribute_string("text:style-name") or "")
        return style is not None and any(child.tag == "text:list-level-style-number" for child in style.children[:1])

    def _tags(self, element: Element, family: str) -> tuple[str, ...]:
        strong, emphasis = self._style_of(family, element.get_attribute_string("text:style-name") or "")
        return ("strong",) * strong + ("em",) * emphasis

    def _style_of(self, family: str, name: str) -> tuple[bool, bool]:
        """Return whether a style, or one it is made from, is bold and italic."""
        known = self._styles_read.get(f"{family}:{name}")
        if known is not None or not name:
            return known or (False, False)
        self._styles_read[f"{family}:{name}"] = (False, False)  # ends a circle of styles
        style = self._style(family, name)
        strong = emphasis = False
        if style is not None:
            parent = self._style_of(family, style.get_attribute_string("style:parent-style-name") or "")
            properties = next((one for one in style.children if one.tag == "style:text-properties"), None)
            weight, slant = (
                (properties.get_attribute_string(f"fo:font-{one}") if properties else None)
                for one in ("weight", "style")
            )
            strong = parent[0] if weight is None else weight == "bold" or weight in {"600", "700", "800", "900"}
            emphasis = parent[1] if slant is None else slant in {"italic", "oblique"}
        self._styles_read[f"{family}:{name}"] = (strong, emphasis)
        return strong, emphasis

    def _style(self, family: str, name: str) -> Element | None:
        """Return a style. Names go into an XPath, so those that are no name have none."""
        return self.document.get_style(family, name) if _STYLE_NAME.fullmatch(name) else None

    def _style_name(self, element: Element) -> str:
        """Return the named style of a paragraph: that which an automatic one is made from."""
        name = element.get_attribute_string("text:style-name") or ""
        if name not in self._names:
            style = self._style("paragraph", name)
            parent = style.get_attribute_string("style:parent-style-name") if style is not None else None
            self._names[name] = parent if parent in {"Title", "Quotations"} else name
        return self._names[name]

    def _is_left_out(self, element: Element, tag: str) -> bool:
        """Count an element that is left out. Returns whether it is one."""
        if tag == "text:tracked-changes":
            changes = (one for region in element.children for one in region.children)
            self.left_out.deletions += sum(one.tag == "text:deletion" for one in changes)
        elif tag == "office:annotation":
            self.left_out.comments += 1
        elif tag == "text:note":
            self.left_out.footnotes += 1
        elif tag == "draw:frame" and any(child.tag == "draw:text-box" for child in element.children):
            self.left_out.text_boxes += 1
        elif tag.startswith("draw:") and tag != "draw:a" and not self._picture_of(element):
            self.left_out.pictures += 1
        else:
            return tag in _SKIPPED
        return True


def _description(frame: Element) -> str:
    """Return what a frame says of its picture for who can't see it."""
    said = {child.tag: child.text or "" for child in frame.children}
    return said.get("svg:desc") or said.get("svg:title") or ""
