"""The address of a picture says all that is needed to show it, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugcourse.pictures.markup import estimated_mail_bytes, mail_attributes, page_attributes
from rugcourse.pictures.reference import PictureRef, parse_reference, picture_name, rendition_widths

DIGEST = "0123456789abcdef" * 2
WIDE = PictureRef("load", DIGEST, 1600, 900, "jpg")


@given(
    name=st.from_regex(r"[a-z0-9]{1,12}(-[a-z0-9]{1,9}){0,3}", fullmatch=True) | st.just(""),
    width=st.integers(1, 1600),
    height=st.integers(1, 2400),
    extension=st.sampled_from(["jpg", "png"]),
)
def test_an_address_leads_back_to_its_picture(name: str, width: int, height: int, extension: str) -> None:
    ref = PictureRef(name, DIGEST, width, height, extension)
    assert parse_reference(ref.address) == ref


@pytest.mark.parametrize(
    "address",
    [
        "",
        "pictures/load.png",
        f"pictures/{DIGEST}.png",
        f"/pictures/{DIGEST}-60x40.png",
        f"https://x.example/pictures/{DIGEST}-60x40.png",
        f"pictures/../{DIGEST}-60x40.png",
        f"pictures/Load-{DIGEST}-60x40.png",
        f"pictures/{DIGEST.upper()}-60x40.png",
        f"pictures/{DIGEST[1:]}-60x40.png",
        f"pictures/{DIGEST}-0x40.png",
        f"pictures/{DIGEST}-060x40.png",
        f"pictures/{DIGEST}-1601x40.png",
        f"pictures/{DIGEST}-60x2401.png",
        f"pictures/{DIGEST}-60x40.svg",
        f"pictures/{DIGEST}-60x40.png?x=1",
        f"pictures/{'a' * 61}-{DIGEST}-60x40.png",
        f"pictures/{DIGEST}-60x40.png\n",
    ],
)
def test_nothing_else_is_an_address(address: str) -> None:
    assert parse_reference(address) is None


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("Load & Capacity.PNG", "load-capacity"),
        ("IMG_2041.jpeg", "img-2041"),
        ("C:\\Users\\Stijn\\rug.jpg", "rug"),
        ("../../etc/passwd.png", "passwd"),
        ("写真.jpg", ""),
        ("", ""),
        (f"load-{DIGEST}-1600x900.jpg", "load"),
        (f"{DIGEST}-1600x900.jpg", ""),
        ("a" * 300 + ".png", "a" * 60),
    ],
)
def test_a_name_is_taken_from_the_file_and_is_plain(file_name: str, name: str) -> None:
    assert picture_name(file_name) == name


def test_it_is_kept_in_the_widths_of_mails_and_pages_and_never_wider_than_it_is() -> None:
    assert rendition_widths(1600) == (160, 600, 800, 1200, 1600)
    assert rendition_widths(700) == (160, 600, 700)
    assert rendition_widths(40) == (40,)
    assert [WIDE.at_least(width) for width in (1, 600, 601, 1201, 5000)] == [160, 600, 800, 1600, 1600]


def test_a_mail_says_width_and_height_and_has_complete_addresses() -> None:
    attributes = mail_attributes("https://c.example")(WIDE)
    assert attributes["src"] == f"https://c.example/pictures/{DIGEST}-600.jpg"
    assert attributes["srcset"] == f"https://c.example/pictures/{DIGEST}-1200.jpg 2x"
    assert (attributes["width"], attributes["height"]) == ("544", "306")
    assert "display:block" in attributes["style"]
    assert "max-width:544px" in attributes["style"]
    small = mail_attributes("https://c.example")(PictureRef("", DIGEST, 40, 20, "png"))
    assert (small["width"], small["height"]) == ("40", "20")
    assert "srcset" not in small


def test_a_page_lets_the_browser_choose_and_waits_with_what_is_far_below() -> None:
    attributes = page_attributes(WIDE)
    assert attributes["srcset"] == f"/pictures/{DIGEST}-800.jpg 800w, /pictures/{DIGEST}-1600.jpg 1600w"
    assert attributes["loading"] == "lazy"
    assert int(attributes["width"]) * 900 == pytest.approx(int(attributes["height"]) * 1600, rel=0.01)


def test_the_weight_in_a_mail_goes_with_the_pixels() -> None:
    assert estimated_mail_bytes(WIDE, 160_000) == 90_000
    assert estimated_mail_bytes(PictureRef("", DIGEST, 600, 400, "png"), 50_000) == 50_000
