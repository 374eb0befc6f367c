"""OpenDocument files: what a reader of the printed page would read stays, and what else is left out is counted."""

from __future__ import annotations

from tests.support.articles import odt

from rugcourse.articles import LeftOutCounts, draft_lessons, propose_cuts, read_article

TEXT = "Een nek die stijf is, wil vooral bewegen, ook al voelt dat eerst niet zo. " * 5

STYLES = """
<style:style style:name="T1" style:family="text"><style:text-properties fo:font-weight="bold"/></style:style>
<style:style style:name="T2" style:family="text" style:parent-style-name="T1">
 <style:text-properties fo:font-style="italic"/></style:style>
<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Title"/>
<style:style style:name="P2" style:family="paragraph" style:parent-style-name="Quotations"/>
<text:list-style style:name="L1"><text:list-level-style-number text:level="1"/></text:list-style>
<text:list-style style:name="L2"><text:list-level-style-bullet text:level="1"/></text:list-style>
"""

NECK = odt(
    """<text:tracked-changes><text:changed-region><text:deletion><text:p>Dit is geschrapt</text:p></text:deletion>
    </text:changed-region><text:changed-region><text:insertion/></text:changed-region></text:tracked-changes>""",
    '<text:p text:style-name="P1">Een stijve nek</text:p>',
    "<text:table-of-content><text:index-body><text:p>Oefenen 3</text:p></text:index-body></text:table-of-content>",
    f"<text:p>{TEXT}</text:p>",
    '<text:h text:outline-level="1">Bewegen</text:h>',
    """<text:p>Draai<text:s text:c="2"/><text:span text:style-name="T1">rustig</text:span> en <text:span
    text:style-name="T2">vaak</text:span>, zie <text:a xlink:href="https://example.org/nek">hier</text:a><text:note>
    <text:note-citation>1</text:note-citation><text:note-body><text:p>Een voetnoot</text:p></text:note-body></text:note>
    <office:annotation><dc:creator>A</dc:creator><text:p>Klopt dit?</text:p></office:annotation>.<text:line-break/>Echt.</text:p>""",
    """<text:list text:style-name="L1"><text:list-item><text:p>eerst links</text:p><text:list text:style-name="L2">
    <text:list-item><text:p>tot het trekt</text:p></text:list-item></text:list></text:list-item>
    <text:list-item><text:p>dan rechts</text:p></text:list-item></text:list>""",
    '<text:h text:outline-level="1">Rusten</text:h>',
    """<text:p><draw:frame><draw:image xlink:href="http://example.org/nek.png"/></draw:frame>Lig niet te lang.</text:p>
    <text:p><draw:frame><draw:text-box><text:p>In een kader</text:p></draw:text-box></draw:frame></text:p>""",
    '<text:p text:style-name="P2">Wie rust, die roest.</text:p>',
    """<table:table><table:table-row><table:table-cell><text:p>week</text:p></table:table-cell><table:table-cell>
    <text:p>uren</text:p></table:table-cell></table:table-row></table:table>""",
    f'<text:section><text:h text:outline-level="1">Werken</text:h><text:p>{TEXT}</text:p></text:section>',
    styles=STYLES,
)


def test_headings_are_lessons_below_the_title() -> None:
    article = read_article(NECK, "nek.odt")
    assert article.title == "Een stijve nek"
    assert [one.title for one in draft_lessons(article, propose_cuts(article), "nl")] == [
        "Inleiding", "Bewegen", "Rusten", "Werken",
    ]  # fmt: skip


def test_looks_lists_links_and_quotes_become_markdown() -> None:
    article = read_article(NECK, "nek.odt")
    _, moving, resting, _ = (one.section for one in draft_lessons(article, propose_cuts(article), "nl"))
    assert moving.startswith("Draai **rustig** en ***vaak***, zie [hier](https://example.org/nek) .\\\nEcht.")
    assert moving.endswith("1. eerst links\n   - tot het trekt\n2. dan rechts")
    assert resting == "Lig niet te lang.\n\n> Wie rust, die roest.\n\n- week · uren"


def test_what_is_left_out_is_counted() -> None:
    article = read_article(NECK, "nek.odt")
    text = "\n".join(block.text for block in article.blocks)
    for gone in ("geschrapt", "voetnoot", "Klopt dit?", "In een kader", "Oefenen 3"):
        assert gone not in text
    assert article.left_out == LeftOutCounts(pictures=1, tables=1, footnotes=1, comments=1, deletions=1, text_boxes=1)
