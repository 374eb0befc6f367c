"""HTML, of pages and of clipboards: the article stays, what stands around it goes."""

from __future__ import annotations

import pytest

from rugcourse.articles import (
    ArticleError,
    LeftOutCounts,
    article_from_html,
    draft_lessons,
    markdown_from_html,
    propose_cuts,
    read_article,
)

TEXT = "Eiwit helpt je spieren om te herstellen, en je hebt er minder van nodig dan je denkt. " * 4

PAGE = f"""<!DOCTYPE html><html><head><title>Eten en herstel | De Praktijk</title><style>p {{ color: red }}</style>
<script>var x = "<p>Niet dit</p>";</script></head><body>
<header><nav><ul><li><a href="/">Home</a></li><li>Menu</li></ul></nav></header>
<div class="cookie-banner"><p>Wij gebruiken koekjes.</p><button>Goed</button></div>
<main><article>
<ol class="breadcrumbs"><li>Home</li><li>Eten</li></ol>
<h1>Eten en herstel</h1>
<p class="sr-only">Spring naar de inhoud</p>
<h2>In dit artikel</h2><ul><li>Eiwit</li><li>Suiker</li><li>Water</li></ul>
<p>{TEXT}</p>
<h2>Eiwit</h2><div><div><p>{TEXT}<b>Elke maaltijd telt mee voor je herstel.</b></p></div></div>
<h3>Hoeveel</h3><p>{TEXT}</p><figure><img src="https://example.org/a.jpg"><figcaption>Een ei</figcaption></figure>
<h2>Suiker</h2><p>{TEXT}<a href="/intern">Lees meer</a> of <a href="https://example.org/x?a=1&amp;b=2">hier</a>.</p>
<aside><p>Schrijf je in voor de nieuwsbrief</p></aside>
<table><tr><th>Soort</th><th>Gram</th></tr><tr><td>Ei</td><td>6</td></tr><tr><td>Noten</td><td>20</td></tr></table>
<h2>Water</h2><p hidden>Verborgen</p><p>{TEXT}</p>
<form><input type="text"><textarea>Een reactie</textarea></form>
<h2>Bronnen</h2><ol><li>De Vries, Eiwit en spieren (2019)</li><li>Het Voedingscentrum</li></ol>
</article></main>
<footer><p>Alle rechten voorbehouden</p></footer></body></html>"""


def test_only_the_article_of_a_page_is_read() -> None:
    article = article_from_html(PAGE)
    text = "\n".join(block.text for block in article.blocks)
    for around in ("Home", "Menu", "koekjes", "Goed", "Niet dit", "color", "Spring", "nieuwsbrief", "Verborgen"):
        assert around not in text
    for around in ("reactie", "rechten", "Een ei"):
        assert around not in text
    assert article.left_out == LeftOutCounts(pictures=1, tables=1)


def test_its_sections_are_lessons_without_contents_and_sources() -> None:
    article = article_from_html(PAGE)
    lessons = draft_lessons(article, propose_cuts(article), "nl")
    assert article.title == "Eten en herstel"
    assert [one.title for one in lessons] == ["Inleiding", "Eiwit", "Suiker", "Water"]
    assert "## Hoeveel" in lessons[1].section
    assert "Lees meer of [hier](https://example.org/x?a=1&b=2)." in lessons[2].section
    assert "- Soort: Ei · Gram: 6\n- Soort: Noten · Gram: 20" in lessons[2].section


def test_a_page_without_a_title_is_called_as_its_window() -> None:
    assert article_from_html(f"<title>Eten</title><p>{TEXT}</p>").title == "Eten"


def test_a_table_that_lays_out_a_page_is_no_table() -> None:
    article = article_from_html(
        f"<table><tr><td><h2>Eiwit</h2><p>{TEXT}</p></td><td><h2>Vet</h2>{TEXT}</td></tr></table>"
    )
    assert [block.kind for block in article.blocks] == ["heading", "paragraph"] * 2
    assert article.left_out.tables == 0


WORD_CLIPBOARD = """<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><meta name=Generator content="Word">
<!--[if gte mso 9]><xml><w:WordDocument></w:WordDocument></xml><![endif]--><style>p.MsoNormal {mso-style-parent:""}</style></head>
<body lang=NL style='tab-interval:35.4pt'><!--StartFragment-->
<p class=MsoTitle>Rust na sport<o:p></o:p></p>
<h1>Waarom<o:p></o:p></h1>
<p class=MsoNormal style='mso-margin-top-alt:auto'>Na <b style='mso-bidi-font-weight:normal'>zware</b>
inspanning <span style='font-style:italic'>heeft</span> je lijf rust nodig.<span class=MsoCommentReference>[A1]</span>
<a style='mso-comment-reference:A_1' href="#_msocom_1">[A1]</a><a href="#_ftn1">[1]</a> <del>Weg.</del></p>
<p class=MsoListParagraphCxSpFirst style='text-indent:-18.0pt;mso-list:l0 level1 lfo1'><![if !supportLists]><span
style='font-family:Symbol'><span style='mso-list:Ignore'>·<span style='font:7.0pt "Times New Roman"'>&nbsp;&nbsp; </span></span></span>
<![endif]>slapen</p>
<p class=MsoListParagraphCxSpMiddle style='mso-list:l0 level2 lfo1'><span style='mso-list:Ignore'>o<span>&nbsp; </span></span>vroeg</p>
<p class=MsoListParagraphCxSpLast style='mso-list:l1 level1 lfo2'><span style='mso-list:Ignore'>1.<span>&nbsp; </span></span>eten</p>
<div style='mso-element:footnote-list'><div style='mso-element:footnote' id=ftn1><p>Een voetnoot</p></div></div>
<!--EndFragment--></body></html>"""


def test_what_word_puts_on_the_clipboard_becomes_clean_markdown() -> None:
    assert markdown_from_html(WORD_CLIPBOARD) == (
        "## Rust na sport\n\n### Waarom\n\nNa **zware** inspanning *heeft* je lijf rust nodig.\n\n"
        "- slapen\n  - vroeg\n- eten"
    )


def test_what_google_docs_wraps_everything_in_is_not_bold() -> None:
    html = '<b style="font-weight:normal;" id="docs-internal-guid-1"><p>Een <span style="font-weight:700">twee</span></p></b>'
    assert markdown_from_html(html) == "Een **twee**"


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("", ""),
        ("<p> </p>&nbsp;", ""),
        ("<h1>A</h1><h3>B</h3><h6>C</h6>", "## A\n\n### B\n\n### C"),
        ("<h2>A</h2><h2>B</h2>", "## A\n\n## B"),
        ("<h2><div>Kop</div></h2><p>tekst</p>", "## Kop\n\ntekst"),
        ("<p>a<br>b", "a\\\nb"),
        ("<blockquote>a</blockquote>b", "> a\n\nb"),
        ("<ul><li>a<ol><li>b</li></ol><li>c</ul>", "- a\n  1. b\n- c"),
        ("<p>• a</p><p>• b</p><p>c</p>", "- a\n- b\n\nc"),
        ("<dl><dt>a</dt><dd>b</dd></dl>", "a\n\nb"),
        ("<pre>a\n  b</pre>", "a\\\nb"),
        ("a<p>b<div>c", "a\n\nb\n\nc"),
        ('<a href="mailto:a@example.org">a</a>', "[a](mailto:a@example.org)"),
        ('<a href="HTTPS://example.org/a b">a</a>', "a"),
        ('<a href="https://example.org/(a)">a</a>', "[a](https://example.org/%28a%29)"),
        ('<a href="https://example.org/{{ first_name }}">a</a>', "a"),
        ('<a href="javascript:alert(1)">a</a>', "a"),
        ('<a href=" java\nscript:alert(1)">a</a>', "a"),
        ("<p>Kijk!<a href='https://example.org/'>hier</a>", "Kijk\\![hier](https://example.org/)"),
        ("{{ first_name }} {% if %}", "{ { first_name } } { % if % }"),
        ("# a", "\\# a"),
        ("1. a", "1\\. a"),
        ("- a", "\\- a"),
        ("&lt;b&gt; 3 &lt; 4 a_b *c* `d`", "\\<b> 3 < 4 a_b \\*c\\* \\`d\\`"),
        ("![a](https://example.org/a.png)", "\\![a\\](https://example.org/a.png)"),
        ("[a]: https://example.org/", "[a\\]: https://example.org/"),
        ("a\u200bb\u00adc\x00d\ufeff", "abcd"),
    ],
)
def test_html_becomes_markdown_that_shows_the_same(html: str, markdown: str) -> None:
    assert markdown_from_html(html) == markdown


def test_more_than_a_megabyte_is_not_pasted() -> None:
    with pytest.raises(ArticleError, match="larger than 1 MB"):
        markdown_from_html("é" * 600_000)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("\ufeff<p>één twee</p>".encode(), "één twee"),
        ("<p>één twee</p>".encode("cp1252"), "één twee"),
        ("\ufeff<p>één twee</p>".encode("utf-16-le"), "één twee"),
        ("\ufeff<p>één twee</p>".encode("utf-16-be"), "één twee"),
    ],
)
def test_each_usual_encoding_is_found(data: bytes, said: str) -> None:
    assert read_article(data, "pagina.html").blocks[0].text == said


def test_a_file_of_markdown_takes_the_same_way() -> None:
    text = f"---\ntitle: weg\n---\n\n# Eten\n\n{TEXT}\n\n## Eiwit\n\n- a\n- **b**\n\n<script>x</script>\n\n![x](y.png)\n\n## Vet\n\n> q\n\n| a | b |\n|---|---|\n| c | d |\n"
    article = read_article(text.encode(), "eten.md")
    assert article.title == "Eten"
    assert [block.markdown for block in article.blocks[2:]] == [
        "## Eiwit",
        "- a\n- **b**",
        "## Vet",
        "> q",
        "- a: c · b: d",
    ]
    assert article.left_out.pictures == 1
