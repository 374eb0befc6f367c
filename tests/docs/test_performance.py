"""The figures in README and docs/performance.md are those of the committed record of the measurements."""

from __future__ import annotations

from bench.figures import BLOCKS, DOCUMENTS, read_record, with_figures


def test_documents_show_the_figures_of_the_record() -> None:
    record = read_record()
    for file in DOCUMENTS:
        text = file.read_text(encoding="utf-8")
        assert with_figures(text, record) == text, f"{file.name}: run: make bench ARGS=--docs"


def test_each_block_of_figures_is_shown_once() -> None:
    shown = "".join(file.read_text(encoding="utf-8") for file in DOCUMENTS)
    assert {name: shown.count(f"<!-- figures: {name} -->") for name in BLOCKS} == dict.fromkeys(BLOCKS, 1)
    assert shown.count("<!-- end of figures -->") == len(BLOCKS)


def test_a_changed_record_changes_the_documents() -> None:
    record = read_record()
    slower = {**record, "starting": {"first_page_seconds": 99.0, "ctrl_c_seconds": 98.0}}
    readme = DOCUMENTS[0].read_text(encoding="utf-8")
    assert "99.0 s" in with_figures(readme, slower)
    assert with_figures(readme, slower) != readme


def test_every_measurement_says_of_which_commit_it_is() -> None:
    for name, one in read_record().items():
        assert one["measured"]["commit"], name
