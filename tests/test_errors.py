"""Errors have one base and say what happened; a command prints them as one line."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import pytest

import rugcourse
from rugcourse.errors import ConfigError, RugcourseError


def errors() -> Iterator[type[Exception]]:
    """Each exception class that the product defines."""
    for module in pkgutil.walk_packages(rugcourse.__path__, "rugcourse."):
        if ".migrations" in module.name or module.name.endswith("__main__"):
            continue
        for _, found in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(found, Exception) and found.__module__ == module.name:
                yield found


def test_every_error_of_the_product_has_the_one_base_and_says_what_it_means() -> None:
    found = [*errors()]
    assert len(found) > 80
    assert [one for one in found if not issubclass(one, RugcourseError)] == []
    assert [one for one in found if not one.__doc__] == []


def test_a_command_prints_an_error_in_one_line_and_ends_with_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for raised, said in (
        (ConfigError("RUGCOURSE_X is wrong; write y"), "error: RUGCOURSE_X is wrong; write y\n"),
        (RugcourseError(), "error: Something that the product expects to go wrong.\n"),
    ):

        def fail(raised: RugcourseError = raised) -> None:
            raise raised

        command = importlib.import_module("rugcourse.cli.main")
        monkeypatch.setattr(command, "app", fail)
        with pytest.raises(SystemExit) as ended:
            command.main()
        assert (ended.value.code, capsys.readouterr().err) == (2, said)
