"""Test modules stand alone: what they share lies in tests/support, so that one that fails to load takes no other with it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(file for folder in ("tests", "bench", "tools") for file in (ROOT / folder).rglob("*.py"))
TOOLS = [file for file in FILES if file.relative_to(ROOT).parts[0] != "tests"]


def imported_modules(source: str) -> Iterator[str]:
    """The modules that a file imports, anywhere in it; of `from a import b` also `a.b`, which may be one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{one.name}" for one in node.names)


def is_test_module(module: str) -> bool:
    first, *rest = module.split(".")
    return first == "tests" and any(part.startswith("test_") or part == "conftest" for part in rest)


def is_outside_of_support(module: str) -> bool:
    return module.startswith("tests.") and not f"{module}.".startswith("tests.support.")


def found_in(files: list[Path], is_wrong: Callable[[str], bool]) -> list[tuple[str, str]]:
    """(file, module) of each import that is wrong."""
    return [
        (str(file.relative_to(ROOT)), module)
        for file in files
        for module in imported_modules(file.read_text("utf-8"))
        if is_wrong(module)
    ]


def test_no_module_imports_a_test_module() -> None:
    """What they share goes to tests/support, and shared fixtures to the nearest conftest.py."""
    assert found_in(FILES, is_test_module) == []


def test_bench_and_tools_import_only_the_support_of_tests() -> None:
    assert found_in(TOOLS, is_outside_of_support) == []


@pytest.mark.parametrize(
    "source",
    [
        "from tests.web.test_login import log_in",
        "import tests.web.test_login",
        "from tests.web import test_login",
        "def late():\n    from tests.web.test_login import log_in",
        "from tests.web.conftest import browser",
    ],
)
def test_each_way_to_import_a_test_module_is_found(source: str) -> None:
    assert [one for one in imported_modules(source) if is_test_module(one)]


@pytest.mark.parametrize(("source", "outside"), [
    ("from tests.support.builders import make_reader", False), ("from tests.support import servers", False),
    ("from tests.web.pages import post", True), ("from tests.supporting import x", True), ("import tests.model", True),
])  # fmt: skip
def test_an_import_outside_of_the_support_of_tests_is_found(source: str, outside: bool) -> None:
    assert any(is_outside_of_support(one) for one in imported_modules(source)) == outside
