"""The code stays readable: modules that fit in one reading, functions that fit on a screen, few untyped values."""

from __future__ import annotations

import ast
from pathlib import Path

SRC = Path(__file__).parents[1] / "src" / "rugcourse"
_MAX_MODULE_LINES = 400
_MAX_FUNCTION_LINES = 50
_MAX_ANY = 40

MODULES = {
    file.relative_to(SRC).as_posix(): file.read_text(encoding="utf-8")
    for file in sorted(SRC.rglob("*.py"))
    if "versions" not in file.parts
}


def test_no_module_is_longer_than_one_reading() -> None:
    assert len(MODULES) > 300
    assert {name for name, text in MODULES.items() if text.count("\n") > _MAX_MODULE_LINES} == set()


def test_no_function_is_longer_than_a_screen() -> None:
    functions = [
        (name, node)
        for name, text in MODULES.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(functions) > 2000
    lines = {f"{name}: {node.name}": (node.end_lineno or 0) - node.lineno + 1 for name, node in functions}
    assert {name for name, count in lines.items() if count > _MAX_FUNCTION_LINES} == set()


def test_few_values_have_no_type() -> None:
    used = [
        name
        for name, text in MODULES.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name) and node.id == "Any"
    ]
    assert len(used) <= _MAX_ANY, used
