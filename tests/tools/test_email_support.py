"""The table of what mail programs support has the newest answer for each program."""

from __future__ import annotations

from tools.email_support import PROGRAMS, table_of


def feature(slug: str, category: str = "css", **stats: object) -> dict[str, object]:
    return {"slug": slug, "category": category, "stats": stats}


def test_each_program_has_the_letter_of_its_newest_version_and_others_are_unknown() -> None:
    data = {
        "last_update_date": "2026-05-13 14:45:41 +0000",
        "data": [
            feature(
                "css-width", gmail={"ios": {"2019-02": "n", "2024-01": "a #1 #2"}}, outlook={"windows": {"2019": "y"}}
            ),
            feature("amp", category="others"),
            feature("css-border"),
        ],
    }
    table = table_of(data)
    letters = {"gmail/ios": "a", "outlook/windows": "y"}
    expected = {"css-border": "u" * len(PROGRAMS), "css-width": "".join(letters.get(one, "u") for one in PROGRAMS)}
    assert table["support"] == expected
    assert table["as_of"] == "2026-05-13"
