"""Small faults are put into modules, and what tests miss is said."""

from __future__ import annotations

import pytest

from tools import mutants


def zone_faults() -> list[mutants.Mutant]:
    return mutants.mutants("scheduling.timezones")


def test_the_tests_of_a_module_mirror_its_path_or_are_named() -> None:
    for module in (module for name in mutants.USUAL for module in mutants.modules(name)):
        assert mutants.tests_of(module) or not mutants.mutants(module), module


def test_no_test_is_named_that_does_not_exist() -> None:
    for module, patterns in mutants.TESTS.items():
        assert mutants.modules(module.removesuffix(".*")), module
        assert all(list(mutants.ROOT.glob(pattern)) for pattern in patterns), module


def test_faults_are_in_functions_with_a_decorator_too_and_each_differs_from_the_module() -> None:
    found = zone_faults()
    assert any("sorted" in one.removed and one.added == "return None" for one in found)
    assert len({one.source for one in found}) == len(found)


def test_the_same_faults_are_drawn_with_the_same_seed() -> None:
    found = mutants.mutants("links")
    drawn = mutants.sample(found, 5, seed=1)
    assert (len(drawn), drawn) == (5, mutants.sample(found, 5, seed=1))
    assert drawn != mutants.sample(found, 5, seed=2)
    assert mutants.sample(found, None, seed=1) == found


def test_exceptions_have_reasons_and_name_faults_that_exist() -> None:
    excepted = mutants.read_exceptions(mutants.EXCEPTIONS.read_text(encoding="utf-8"))
    assert all(excepted.values())
    for module in {name.partition(":")[0] for name in excepted}:
        there = {one.name for one in mutants.mutants(module)} | {f"{module}: *"}
        assert {name for name in excepted if name.partition(":")[0] == module} <= there


def test_a_fault_that_tests_miss_is_told_with_its_line_unless_it_is_excepted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [one, *_] = zone_faults()
    monkeypatch.setattr(mutants, "is_noticed", lambda *_: False)
    monkeypatch.setattr(mutants, "_seconds_without_a_fault", lambda *_: 1.0)
    assert mutants.main(["scheduling.timezones"]) == 1
    assert f"src/rugcourse/scheduling/timezones.py:{one.line}\n" in capsys.readouterr().out
    result = mutants.judge("scheduling.timezones", [one], {one.name: "makes no difference"})
    assert (result.tried, result.excepted, result.is_enough) == (0, 1, True)


def test_a_module_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(SystemExit, match="no module nothing"):
        mutants.main(["nothing"])
