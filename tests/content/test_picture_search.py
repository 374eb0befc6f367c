"""Whatever picture the renderer shows is found, however its address is spelled."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rugcourse.content.markdown import to_html
from rugcourse.content.picture_search import pictures_in, pictures_in_document
from rugcourse.pictures.reference import PictureRef, parse_reference

DIGEST = "9f86d081884c7d659a2feaa0c55ad015"
REF = PictureRef("load", DIGEST, 1200, 675, "png")
ADDRESS = REF.address


@pytest.mark.parametrize(
    "text",
    [
        f"![Een rug]({ADDRESS})",
        f"![Een rug](<{ADDRESS}>)",
        f'![]( {ADDRESS}\n"decorative" )',
        f"![Een rug][een]\n\n[een]: {ADDRESS}",
        f"![Een rug][]\n\n[een rug]:\n    {ADDRESS}\n    'decorative'",
        f"> ![een]\n>\n> [een]: <{ADDRESS}>",
        f"- ![Een *rug*]({ADDRESS})",
        f'[![Een rug]({ADDRESS})](https://video.example/x "Video (2:10)")',
        f"![Een rug](pictures&#47;{REF.file_name})",
        f"![Een rug](&#112;ictures&sol;{REF.file_name})",
        f"![Een rug](pictures\\/load\\-{DIGEST}-1200x675.png)",
        f"![Een rug](pictures/load-&#57;{DIGEST[1:]}-1200x675\\.png)",
        f"Les {{{{ number }}}}\n\n![Een rug]({ADDRESS})\n\n{{{{ safety_notice }}}}\n",
        f"{{{{ safety_notice }}}}\n\n![Een rug][een]\n\n[een]: {ADDRESS}",
        f"{{{{ nobody_knows }}}}\n\n![Een rug]({ADDRESS})",
    ],
)
def test_a_picture_is_found_in_every_spelling(text: str) -> None:
    assert pictures_in(text) == [REF]
    assert pictures_in_document({"texts": {"nl": {"title": "Rug", "body": text}}, "number": 1}) == [REF]


def test_a_document_may_name_a_picture_alone() -> None:
    assert pictures_in_document({"logo": ADDRESS, "authors": [{"face": ADDRESS}], "name": "pictures"}) == [REF]


@pytest.mark.parametrize("text", [f"`![A]({ADDRESS})`", f"    ![A]({ADDRESS})", f"\\![A]({ADDRESS})", ADDRESS])
def test_what_is_only_words_is_no_picture(text: str) -> None:
    assert pictures_in(text) == []


def spelled(character: str) -> st.SearchStrategy[str]:
    """A character of an address, in the ways in which Markdown and addresses can write it."""
    code = ord(character)
    ways = [character] * 6 + [f"&#{code};", f"&#x{code:x};", f"%{code:02x}"]
    return st.sampled_from([*ways, f"\\{character}"] if character in "/-." else ways)


addresses = st.tuples(*(spelled(one) for one in ADDRESS)).map("".join)
images = st.one_of(
    st.builds("![{1}]({0})".format, addresses, st.sampled_from(["", "Een rug", "a](b", "*a*"])),
    st.builds("![Een rug](<{0}> {1})".format, addresses, st.sampled_from(["'decorative'", "", "(a)"])),
    st.builds(
        "![een]{1}\n\n[een]:{2}{0}".format, addresses, st.sampled_from(["", "[]", "[een]"]), st.sampled_from(" \n")
    ),
)
surroundings = st.sampled_from(
    ["{0}", "> {0}", "- {0}", "[{0}](https://a.example)", "`{0}`", "    {0}", "a {0} b", "# {0}"]
)


@settings(deadline=None)
@given(st.lists(st.builds(lambda around, image: around.format(image), surroundings, images), max_size=4))
def test_whatever_the_renderer_shows_is_found(parts: list[str]) -> None:
    text = "\n\n".join(parts)
    shown: list[PictureRef] = []

    def attributes(ref: PictureRef) -> dict[str, str]:
        shown.append(ref)
        return {"src": ref.path(600)}

    html = to_html(text, {}, {}, picture=attributes)
    assert ("<img" in html) == bool(shown)
    assert set(shown) == set(pictures_in(text))


def test_an_address_that_is_percent_encoded_is_shown_by_nobody() -> None:
    assert parse_reference(f"%70ictures/{REF.file_name}") is None
    assert "<img" not in to_html(f"![Een rug](%70ictures/{REF.file_name})", {}, {})
