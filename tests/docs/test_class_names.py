"""One name, one meaning."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.support.documented_commands import ROOT


def test_no_class_of_the_product_has_the_name_of_another_one() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for file in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(file.relative_to(ROOT)))
    assert len(places) > 300, "the classes are looked for where they are"
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
