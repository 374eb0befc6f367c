"""Reads .docx files.

mammoth makes HTML of them: it knows styles, lists and links. It builds a whole tree in memory, several times over, and
calls itself for each level. So a first pass streams the document, leaves out what a lesson can't show, counts that, and
hands mammoth archives of a few hundred kilobytes, made here, one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING
from xml.parsers.expat import ExpatError
from zipfile import ZIP_STORED, ZipFile

from rugcourse.articles.archives import DAMAGED, TOO_LARGE, Archive
from rugcourse.articles.errors import ArticleError
from rugcourse.articles.left_out import LeftOutCounts
from rugcourse.articles.limits import Gauge
from rugcourse.articles.rich_text import BlockKind
from rugcourse.articles.word_pictures import WordPictures
from rugcourse.i18n import N_

if TYPE_CHECKING:
    from lxml.etree import _Element

_MOST_DOCUMENT_BYTES = 100_000_000  # streamed, so it costs time and no memory
_MOST_PART_BYTES = 5_000_000  # of styles, numbering and relationships
_MOST_PART_TAGS = 200_000
_MOST_PART_ELEMENTS = 20_000  # of what mammoth gets, which keeps a kilobyte or two for each
_CHUNK_BYTES = 1_000_000
_MOST_ELEMENTS = 50_000  # within one paragraph or table, which is in memory as a whole
_DEEPEST = 60  # levels of elements
_MAIN = "word/document.xml"
_STYLES = """
p[style-name='Title'] => h1.title:fresh
p[style-name='toc 1'] => !
p[style-name='toc 2'] => !
p[style-name='toc 3'] => !
p[style-name='toc 4'] => !
p[style-name='toc 5'] => !
p[style-name='TOC Heading'] => !
p[style-name='caption'] => !
p[style-name='Quote'] => blockquote:fresh
p[style-name='Intense Quote'] => blockquote:fresh
"""
# Elements of styles and numbering, and which children of each mammoth looks at.
_KEPT = {
    "styles": {"style"},
    "style": {"name", "pPr"},
    "pPr": {"numPr"},
    "numbering": {"abstractNum", "num"},
    "abstractNum": {"lvl", "numStyleLink"},
    "lvl": {"numFmt", "pStyle"},
    "num": {"abstractNumId"},
}
_RELATIONSHIP = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE_DOCUMENT = "/relationships/officeDocument"
_HYPERLINK = "/relationships/hyperlink"
_MACROS = re.compile(r"(?:^|/)vbaProject\.bin$", re.IGNORECASE)

_DELETED = {"del", "moveFrom"}
_COMMENTS = {"commentReference"}
_NOTES = {"footnoteReference", "endnoteReference"}
_PICTURES = {"drawing", "pict", "object"}
_NOISE = {"proofErr", "bookmarkStart", "bookmarkEnd", "lastRenderedPageBreak", "commentRangeStart", "commentRangeEnd"}
_NOISE |= {"sectPr", "delText", "rPrChange", "pPrChange", "tblPrChange", "delInstrText", "permStart", "permEnd"}

_NO_WORD_FILE = N_("This is no Word document. Open it in Word or LibreOffice and save it as .docx.")
_TOO_DEEP = N_("Its tables stand too deep within each other. Copy the text into a new document and upload that.")


def read_word(archive: Archive, left_out: LeftOutCounts) -> str:
    """Return the text of a .docx as HTML, and count what is left out. Raises ArticleError."""
    left_out.macros += any(map(_MACROS.search, archive.names))
    main = _main_part(archive)
    folder, _, name = main.rpartition("/")
    relationships = f"{folder}/_rels/{name}.rels"
    found = list(
        _relationships(archive.read_xml(relationships, _MOST_PART_BYTES)) if relationships in archive.names else ()
    )
    pictures = WordPictures.of(found, folder, archive.names)
    parts = {"word/_rels/document.xml.rels": _links(found)}
    for part in ("styles.xml", "numbering.xml"):
        if f"{folder}/{part}" in archive.names:
            parts[f"word/{part}"] = _slimmed(archive.read_xml(f"{folder}/{part}", _MOST_PART_BYTES))
    document = archive.read_xml(main, _MOST_DOCUMENT_BYTES)
    html = (_to_html({**parts, _MAIN: chunk}) for chunk in _chunks(document, left_out, pictures))
    return pictures.in_place_of_marks("".join(html))


def _main_part(archive: Archive) -> str:
    """Return the name of the part with the text, which programs choose."""
    found = _MAIN
    if "_rels/.rels" in archive.names:
        for kind, target, _id in _relationships(archive.read_xml("_rels/.rels", _MOST_PART_BYTES)):
            if kind.endswith(_OFFICE_DOCUMENT):
                found = target.lstrip("/")
    if found not in archive.names or "/" not in found:
        raise ArticleError(_NO_WORD_FILE)
    return found


def _relationships(content: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield type, target and id of each relationship. None is ever followed out of the archive."""
    for element in _parsed(content).iter("{*}Relationship"):
        yield element.get("Type", ""), element.get("Target", ""), element.get("Id", "")


def _links(relationships: Iterable[tuple[str, str, str]]) -> bytes:
    """Return the relationships that are links of the text; those to pictures, templates and macros are left out."""
    from lxml import etree  # noqa: PLC0415 - loaded only by who reads an article

    root = etree.Element(f"{{{_RELATIONSHIP}}}Relationships", nsmap={None: _RELATIONSHIP})
    for kind, target, its_id in relationships:
        if kind.endswith(_HYPERLINK):
            etree.SubElement(
                root, f"{{{_RELATIONSHIP}}}Relationship", Id=its_id, Type=kind, Target=target, TargetMode="External"
            )
    return _written(root)


def _slimmed(content: bytes) -> bytes:
    """Return styles or numbering with what mammoth needs of them, as it reads them anew with each archive."""
    root = _parsed(content)
    for element in root.iter("{*}*"):
        kept = _KEPT.get(_local_name(element))
        if kept is not None:
            for child in [one for one in element if _local_name(one) not in kept]:
                element.remove(child)
    if sum(1 for _ in root.iter()) > _MOST_PART_ELEMENTS:
        raise ArticleError(TOO_LARGE)
    return _written(root)


def _namespace(element: _Element) -> str:
    return str(element.tag).rpartition("}")[0][1:]


def _local_name(element: _Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _written(root: _Element) -> bytes:
    from lxml import etree  # noqa: PLC0415 - see above

    content: bytes = etree.tostring(root)
    return content


def _parsed(content: bytes) -> _Element:
    from lxml import etree  # noqa: PLC0415 - see above

    if content.count(b"<") > _MOST_PART_TAGS:
        raise ArticleError(TOO_LARGE)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ArticleError(DAMAGED) from error


def _chunks(document: bytes, left_out: LeftOutCounts, pictures: WordPictures) -> Iterator[bytes]:
    """Yield documents with some of the paragraphs and tables each, in order."""
    pieces: list[bytes] = []
    size = 0
    opening = closing = b""
    for opening, piece, closing in _body(document, left_out, pictures):
        pieces.append(piece)
        size += len(piece)
        if size > _CHUNK_BYTES:
            yield opening + b"".join(pieces) + closing
            pieces, size = [], 0
    if pieces:
        yield opening + b"".join(pieces) + closing


def _body(document: bytes, left_out: LeftOutCounts, pictures: WordPictures) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield each paragraph and table of the body, with what has to stand before and after it."""
    from lxml import etree  # noqa: PLC0415 - see above

    gauge = Gauge()
    depth = elements = 0
    events = etree.iterparse(
        BytesIO(document), ("start", "end"), resolve_entities=False, no_network=True, remove_comments=True
    )
    try:
        for event, element in events:
            if event == "start":
                depth += 1
                elements += 1
                if depth > _DEEPEST or elements > _MOST_ELEMENTS:
                    raise ArticleError(_TOO_DEEP)
                continue
            depth -= 1
            if depth != 2:  # the children of <body>, which is within <document>
                continue
            elements = 0
            _strip(element, left_out, pictures)
            text = " ".join(element.itertext("{*}t"))
            if text.strip():
                gauge.read(text)
                gauge.count(BlockKind.PARAGRAPH)
                yield _around(_namespace(element), etree.tostring(element, with_tail=False))
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError as error:
        raise ArticleError(DAMAGED) from error


def _around(namespace: str, piece: bytes) -> tuple[bytes, bytes, bytes]:
    opening = f'<w:document xmlns:w="{namespace}"><w:body>'.encode()
    return opening, piece, b"</w:body></w:document>"


def _strip(element: _Element, left_out: LeftOutCounts, pictures: WordPictures) -> None:
    """Take out what a lesson can't show, and count it. A mark takes the place of each picture."""
    from lxml import etree  # noqa: PLC0415 - see above

    unwanted = []
    for one in element.iter(etree.Element):
        name = _local_name(one)
        if name in _NOISE or name in _PICTURES or _count(one, name, left_out):
            unwanted.append(one)
    for one in unwanted:
        parent = one.getparent()
        if parent is not None and not (_local_name(one) in _PICTURES and _place(one, left_out, pictures)):
            parent.remove(one)


def _count(element: _Element, name: str, left_out: LeftOutCounts) -> bool:
    """Count an element that is left out. Returns whether it is one."""
    if name in _DELETED:
        left_out.deletions += next(element.iter("{*}delText", "{*}t"), None) is not None
    elif name in _COMMENTS:
        left_out.comments += 1
    elif name in _NOTES:
        left_out.footnotes += 1
    else:
        return False
    return True


def _place(drawing: _Element, left_out: LeftOutCounts, pictures: WordPictures) -> bool:
    """Mark where a picture stands. Returns False if it is left out, and counts it then."""
    if next(drawing.iter("{*}txbxContent"), None) is not None:
        left_out.text_boxes += 1
    elif next(drawing.iterancestors("{*}Fallback"), None) is None:  # the same picture again, for old programs
        stands_alone = _local_name(drawing.getparent()) == "r" and _local_name(drawing) != "object"
        if stands_alone and pictures.mark(drawing):
            return True
        left_out.pictures += 1
    return False


def _to_html(parts: dict[str, bytes]) -> str:
    """Have mammoth read an archive of our own, which holds no file but text, styles, numbering and links."""
    import mammoth  # noqa: PLC0415 - see above

    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    packed.seek(0)
    try:
        result = mammoth.convert_to_html(packed, style_map=_STYLES, include_embedded_style_map=False, id_prefix="")
    except (ValueError, KeyError, AttributeError, IndexError, TypeError, RecursionError, ExpatError) as error:
        raise ArticleError(DAMAGED) from error  # what mammoth raises for XML that is no Word document
    html: str = result.value
    return html
