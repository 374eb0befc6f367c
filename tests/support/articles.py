"""Builds Word and OpenDocument files, part by part, so that a test says in full what is in one."""

from __future__ import annotations

import io
from collections.abc import Mapping
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'

_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"
_ODF = " ".join(
    f'xmlns:{prefix}="{_OFFICE}{name}:1.0"'
    for prefix, name in (("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"), ("style", "style"))
)  # fmt: skip
_ODF += f' xmlns:fo="{_OFFICE}xsl-fo-compatible:1.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
_ODF += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'


def run(text: str, look: str = "") -> str:
    """A run of Word. `look`: such as `<w:b/>`."""
    return f'<w:r><w:rPr>{look}</w:rPr><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def paragraph(*runs: str, style: str = "", numbered: int | None = None, level: int = 0) -> str:
    """A paragraph of Word. `numbered`: the list that it is in: 1 has bullets, 2 numbers."""
    properties = f'<w:pStyle w:val="{style}"/>' * bool(style)
    if numbered is not None:
        properties += f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{numbered}"/></w:numPr>'
    inside = "".join(one if one.startswith("<") else run(one) for one in runs)
    return f"<w:p><w:pPr>{properties}</w:pPr>{inside}</w:p>"


def heading(text: str, level: int = 1) -> str:
    return paragraph(text, style=f"Kop{level}")


def inserted(text: str) -> str:
    return f'<w:ins w:id="1" w:author="A">{run(text)}</w:ins>'


def deleted(text: str) -> str:
    return f'<w:del w:id="2" w:author="A"><w:r><w:delText xml:space="preserve">{escape(text)}</w:delText></w:r></w:del>'


def commented(text: str) -> str:
    mark = '<w:r><w:commentReference w:id="0"/></w:r>'
    return f'<w:commentRangeStart w:id="0"/>{run(text)}<w:commentRangeEnd w:id="0"/>{mark}'


PICTURE = '<w:r><w:drawing><pic xmlns="urn:x"/></w:drawing></w:r>'
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"


def picture(relationship: str, alt: str = "") -> str:
    """A run of Word with a picture, as Word and LibreOffice write it."""
    return (
        f'<w:r><w:drawing><wp:inline xmlns:wp="{_DRAWING}/wordprocessingDrawing">'
        f'<wp:docPr id="1" name="Picture 1" descr="{escape(alt, {chr(34): "&quot;"})}"/>'
        f'<a:graphic xmlns:a="{_DRAWING}/main"><a:graphicData uri="{_DRAWING}/picture">'
        f'<pic:pic xmlns:pic="{_DRAWING}/picture"><pic:blipFill><a:blip r:embed="{relationship}"/></pic:blipFill>'
        "</pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )


def frame(file: str, alt: str = "") -> str:
    """A frame of OpenDocument with a picture."""
    return (
        f'<draw:frame><draw:image xlink:href="{file}"/><svg:desc xmlns:svg="{_OFFICE}svg-compatible:1.0">'
        f"{escape(alt)}</svg:desc></draw:frame>"
    )


FOOTNOTE = '<w:r><w:footnoteReference w:id="2"/></w:r>'
TEXT_BOX = "<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>"


def link(text: str, relationship: str = "rId1") -> str:
    return f'<w:hyperlink r:id="{relationship}">{run(text)}</w:hyperlink>'


def table(*rows: tuple[str, ...]) -> str:
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def docx(
    *body: str,
    target: str = "https://example.org/",
    extra: Mapping[str, bytes] | None = None,
    images: Mapping[str, str] | None = None,
) -> bytes:
    """A Word file with these paragraphs, and a link `rId1` to `target`. `extra`: more parts, or others instead.

    `images`: relationships to pictures, and what each leads to.
    """
    shown = ((its_id, "image", to, "") for its_id, to in (images or {}).items())
    parts: dict[str, bytes] = {
        "[Content_Types].xml": _content_types(),
        "_rels/.rels": _relationships(("rId1", "officeDocument", "word/document.xml", "")),
        "word/_rels/document.xml.rels": _relationships(("rId1", "hyperlink", target, ' TargetMode="External"'), *shown),
        "word/document.xml": document_xml(*body),
        "word/styles.xml": styles_xml(),
        "word/numbering.xml": _numbering(),
    }
    return packed({**parts, **(extra or {})})


def document_xml(*body: str) -> bytes:
    return (
        f'{_DECLARATION}<w:document xmlns:w="{_W}" xmlns:r="{_R}"><w:body>{"".join(body)}</w:body></w:document>'
    ).encode()


def odt(*body: str, styles: str = "", extra: Mapping[str, bytes] | None = None) -> bytes:
    """An OpenDocument text with this content. `styles`: automatic ones."""
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_ODF}>'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:text>{''.join(body)}</office:text></office:body></office:document-content>"
    )
    parts = {"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": content.encode()}
    return packed({**parts, **(extra or {})})


def packed(parts: Mapping[str, bytes]) -> bytes:
    """A ZIP archive; what is named `mimetype` is stored as it is, as OpenDocument wants."""
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content, ZIP_STORED if name == "mimetype" else ZIP_DEFLATED)
    return file.getvalue()


def _relationships(*found: tuple[str, str, str, str]) -> bytes:
    rows = "".join(
        f'<Relationship Id="{its_id}" Type="{_R}/{kind}" Target="{escape(target)}"{mode}/>'
        for its_id, kind, target, mode in found
    )
    return f'{_DECLARATION}<Relationships xmlns="{_RELATIONSHIPS}">{rows}</Relationships>'.encode()


def _content_types() -> bytes:
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return (
        f'{_DECLARATION}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>'
    ).encode()


def styles_xml() -> bytes:
    """Styles as a Dutch Word names them: the id is Dutch, the name English."""
    names = {f"Kop{level}": f"heading {level}" for level in range(1, 7)}
    names |= {"Titel": "Title", "Citaat": "Quote", "Inhopg1": "toc 1", "Bijschrift": "caption"}
    rows = "".join(
        f'<w:style w:type="paragraph" w:styleId="{its_id}"><w:name w:val="{name}"/></w:style>'
        for its_id, name in names.items()
    )
    return f'{_DECLARATION}<w:styles xmlns:w="{_W}">{rows}</w:styles>'.encode()


def _numbering() -> bytes:
    def levels(form: str) -> str:
        return "".join(f'<w:lvl w:ilvl="{level}"><w:numFmt w:val="{form}"/></w:lvl>' for level in range(5))

    rows = "".join(
        f'<w:abstractNum w:abstractNumId="{number}">{levels(form)}</w:abstractNum>'
        for number, form in ((1, "bullet"), (2, "decimal"))
    )
    rows += "".join(f'<w:num w:numId="{one}"><w:abstractNumId w:val="{one}"/></w:num>' for one in (1, 2))
    return f'{_DECLARATION}<w:numbering xmlns:w="{_W}">{rows}</w:numbering>'.encode()
