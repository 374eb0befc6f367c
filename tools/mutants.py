"""Puts small faults into modules, one at a time, and says which their own tests miss: `make mutants`.

usage: mutants.py [MODULE | PACKAGE ...] [--limit N | --all] [--seed SEED]

mutmut makes the faults: a swapped comparison, a changed constant, `and` for `or`, a branch forced. Here are three more:
a call left out, a condition turned around, `return None`. A fault is never written to a file: each has a process of its
own, which gets the changed source where it imports the module. Modules are named as in Python: `delivery.planner`.

What need not be noticed stands in `tools/mutants_excepted.txt`, with the reason.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import importlib.abc
import importlib.machinery
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper
from mutmut.mutation import mutators
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.pragma_handling import IgnoredCode

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "rugcourse"
EXCEPTIONS = Path(__file__).with_name("mutants_excepted.txt")
WANTED = 85  # percent of the faults in a module
LIMIT = 24
SLACK_SECONDS = 10

# What runs without an argument: rules, and where a mistake loses a mail or opens a door.
USUAL = ("scheduling", "links", "learning", "delivery", "bounces", "auth")

# src/rugcourse/a/b.py has its tests in tests/a/test_b*.py. Those of these modules are elsewhere.
TESTS: dict[str, tuple[str, ...]] = {
    "auth.api_tokens": ("tests/web/api/test_api.py",),
    "auth.idempotency": ("tests/web/api/test_api.py",),
    "auth.account_emails": (
        "tests/auth/test_passkeys.py",
        "tests/auth/test_totp.py",
        "tests/web/admin/test_login_attacks.py",
    ),
    "auth.page_data": ("tests/web/admin/test_team.py", "tests/web/admin/test_audit_log.py"),
    "auth.security_events": ("tests/web/admin/test_audit_log.py", "tests/auth/test_sessions.py"),
    "learning.next_lesson": ("tests/delivery/test_cadence.py",),
    "bounces.json_values": ("tests/bounces/test_webhooks.py",),
    "bounces.handler": (
        "tests/bounces/test_handler.py",
        "tests/bounces/test_addressee.py",
        "tests/bounces/test_duplicate_reports.py",
    ),
    "bounces.lmtp_server": ("tests/bounces/test_handler.py",),
    "bounces.ses_notification": ("tests/bounces/test_parser*.py", "tests/bounces/test_addressee.py"),
    "bounces.phrases": ("tests/bounces/test_parser*.py", "tests/bounces/test_handler.py"),
    "bounces.report": ("tests/bounces/test_parser*.py", "tests/bounces/test_handler.py"),
    "bounces.text": ("tests/bounces/test_parser*.py", "tests/bounces/test_addressee.py"),
    "bounces.webhooks.*": ("tests/bounces/test_webhook*.py",),
    "delivery.claimer": (
        "tests/delivery/test_claimer.py",
        "tests/delivery/test_dispatcher.py",
        "tests/delivery/test_late_deliveries.py",
    ),
    "delivery.composer": ("tests/delivery/test_dispatcher.py", "tests/delivery/test_unreadable_rows.py"),
    "delivery.failures": ("tests/delivery/test_dispatcher.py", "tests/delivery/test_unreadable_rows.py"),
    "delivery.holds": ("tests/web/admin/test_deliverability.py", "tests/cli/test_sending.py"),
    "delivery.planner": (
        "tests/delivery/test_planner*.py",
        "tests/delivery/test_late_deliveries.py",
        "tests/delivery/test_unreadable_rows.py",
        "tests/campaigns/test_lifecycle.py",
    ),
    "delivery.reconciliation": (
        "tests/delivery/test_late_deliveries.py",
        "tests/fault_injection/test_restored_backup.py",
    ),
    "delivery.retry": ("tests/delivery/test_dispatcher.py",),
    "delivery.recovery": ("tests/delivery/test_dispatcher.py", "tests/delivery/test_late_deliveries.py"),
    "delivery.resend": ("tests/delivery/test_send_next.py",),
    "delivery.restore_guard": ("tests/delivery/test_delivery_ids_after_restore.py",),
    "scheduling.timezones": ("tests/scheduling/test_schedule.py",),
    "learning.recap": ("tests/learning/test_answers.py",),
    "learning.scoring": ("tests/learning/test_assessment.py",),
    "delivery.template_cache": ("tests/delivery/test_unreadable_rows.py", "tests/delivery/test_dispatcher.py"),
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one fault in it."""

    module: str
    line: int
    removed: str
    added: str
    source: str

    @property
    def name(self) -> str:
        """How a list of exceptions names it. Without the line, which moves."""
        return f"{self.module}: {self.removed} -> {self.added}"


@dataclass(frozen=True, slots=True)
class Result:
    module: str
    tried: int
    missed: tuple[Mutant, ...]
    excepted: int

    @property
    def percentage(self) -> float:
        return 100 * (1 - len(self.missed) / self.tried) if self.tried else 100

    @property
    def is_enough(self) -> bool:
        return self.percentage >= WANTED


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    excepted = read_exceptions(EXCEPTIONS.read_text(encoding="utf-8"))
    results = []
    for module in [module for name in options.names or USUAL for module in modules(name)]:
        chosen = sample(mutants(module), None if options.all else options.limit, options.seed)
        if chosen:
            results.append(judge(module, chosen, excepted))
            _tell(results[-1])
    tried = sum(one.tried for one in results)
    noticed = tried - sum(len(one.missed) for one in results)
    _say(f"{noticed} of {tried} noticed in {len(results)} modules")
    return 0 if all(one.is_enough for one in results) else 1


def modules(name: str) -> list[str]:
    """The module of that name, or all modules of a package."""
    path = SOURCE.joinpath(*name.split("."))
    if path.with_suffix(".py").is_file():
        return [name]
    found = sorted(path.rglob("*.py"))
    if not found:
        raise SystemExit(f"there is no module {name}")
    return [".".join(one.relative_to(SOURCE).with_suffix("").parts) for one in found if one.name != "__init__.py"]


def tests_of(module: str) -> list[str]:
    *packages, last = module.split(".")
    group = ".".join([*packages, "*"])
    usual = ("/".join(["tests", *packages, f"test_{last}*.py"]),)
    patterns = TESTS.get(module) or TESTS.get(group) or usual
    return sorted(str(path) for pattern in patterns for path in ROOT.glob(pattern))


def mutants(module: str) -> list[Mutant]:
    """Every fault that can be put into a module."""
    source = _path(module).read_text(encoding="utf-8")
    wrapper = MetadataWrapper(cst.parse_module(source))
    visitor = _Visitor(OPERATORS, IgnoredCode(set(), set(), set()))
    tree = wrapper.visit(visitor)
    found: dict[str, Mutant] = {}
    for mutation in visitor.mutations:
        changed = tree.deep_replace(mutation.original_node, mutation.mutated_node)
        if isinstance(changed, cst.Module) and changed.code != source:
            found.setdefault(changed.code, _mutant(module, source, changed.code))
    return [one for one in found.values() if not _is_about_an_impossible_length(one)]


class _Visitor(MutationVisitor):
    """Goes into functions with a decorator. mutmut leaves them out, because it would call the decorator again."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        return not isinstance(node, cst.FunctionDef) and super()._skip_node_and_children(node)


def _is_about_an_impossible_length(mutant: Mutant) -> bool:
    """`zip(..., strict=True)` guards against what no input can bring about."""
    return mutant.removed.replace("strict=True", "strict=False") == mutant.added


def _mutant(module: str, source: str, changed: str) -> Mutant:
    diff = list(difflib.unified_diff(source.splitlines(), changed.splitlines(), n=0, lineterm=""))
    line = int(diff[2].split()[1].removeprefix("-").partition(",")[0])
    removed, added = (" ".join(" ".join(row[1:] for row in diff[3:] if row[0] == sign).split()) for sign in "-+")
    return Mutant(module, line, removed, added, changed)


def sample(all_of_them: list[Mutant], limit: int | None, seed: int) -> list[Mutant]:
    """So many of them, the same each time, in the order of the file."""
    if limit is None or limit >= len(all_of_them):
        return all_of_them
    chosen = random.Random(seed).sample(range(len(all_of_them)), limit)  # noqa: S311 - nothing secret
    return [all_of_them[index] for index in sorted(chosen)]


def read_exceptions(text: str) -> dict[str, str]:
    """The name of a mutant → why it need not be noticed. A reason stands above what it is about; `module: *` is all."""
    found: dict[str, str] = {}
    reason = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            reason = line.removeprefix("#").strip()
        else:
            found[line] = reason
    return found


def judge(module: str, chosen: list[Mutant], excepted: dict[str, str]) -> Result:
    """Run a module's own tests against each of its mutants."""
    tests = tests_of(module)
    left = [one for one in chosen if one.name not in excepted and f"{module}: *" not in excepted]
    if not tests:
        return Result(module, len(left), tuple(left), len(chosen) - len(left))
    seconds = _seconds_without_a_fault(module, tests)
    limit = 3 * seconds + SLACK_SECONDS
    missed = tuple(one for one in left if not is_noticed(one, tests, limit))
    return Result(module, len(left), missed, len(chosen) - len(left))


def is_noticed(mutant: Mutant, tests: list[str], limit: float) -> bool:
    """Tests that hang have noticed it."""
    return _in_a_process_of_its_own(lambda: _run_tests(tests, mutant), limit) != pytest.ExitCode.OK


def _seconds_without_a_fault(module: str, tests: list[str]) -> float:
    """Raises SystemExit where the tests fail anyway."""
    begin = time.monotonic()
    if _in_a_process_of_its_own(lambda: _run_tests(tests, None), 600) != pytest.ExitCode.OK:
        raise SystemExit(f"{module}: its tests fail without a fault, so they can't say anything about one")
    return time.monotonic() - begin


def _in_a_process_of_its_own(work: Callable[[], int], limit: float) -> int | None:
    """What `work` returns; None when it takes too long. What it started ends with it."""
    child = os.fork()
    if child == 0:
        os.setsid()
        os._exit(work())
    end = time.monotonic() + limit
    code: int | None = None
    while code is None and time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        code = abs(os.waitstatus_to_exitcode(status)) if done else None
        time.sleep(0.02)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if code is None:
        os.waitpid(child, 0)
    return code


def _run_tests(tests: list[str], mutant: Mutant | None) -> int:
    if mutant:
        sys.meta_path.insert(0, _Finder(mutant))
    options = ["-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "-o", "addopts=--import-mode=importlib"]
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        return int(pytest.main([*options, "--rootdir", str(ROOT), *tests], plugins=[_OnlySqlite()]))


class _OnlySqlite:
    """The other half of the tests says the same about a rule, and takes longer."""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [one for one in items if "postgresql" not in one.name]


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the mutant where its module is imported."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != f"rugcourse.{self._mutant.module}":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec:
            spec.loader = _Loader(fullname, str(_path(self._mutant.module)), self._mutant.source)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, _fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec", dont_inherit=True)


def _return_nothing(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    if isinstance(node, cst.Return) and node.value and not _is_name(node.value, "None"):
        yield node.with_changes(value=cst.Name("None"))


def _leave_out_a_call(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Not one that writes a log: nobody promises what a log says."""
    if isinstance(node, cst.Expr):
        value = node.value.expression if isinstance(node.value, cst.Await) else node.value
        if isinstance(value, cst.Call) and not (
            isinstance(value.func, cst.Attribute) and _is_name(value.func.value, "log")
        ):
            yield cst.Pass()


def _turn_a_condition_around(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Where a name or a call is the condition; comparisons are turned around by mutmut."""
    if isinstance(node, cst.If) and isinstance(node.test, cst.Name | cst.Attribute | cst.Call):
        yield node.with_changes(test=cst.UnaryOperation(cst.Not(), node.test))


def _is_name(node: cst.CSTNode, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


# Not those of mutmut that change a text, or give None to a call: most are about wording, or end in an error of Python.
OPERATORS: mutators.OPERATORS_TYPE = [
    (cst.BaseNumber, mutators.operator_number),
    (cst.Name, mutators.operator_name),
    (cst.AugAssign, mutators.operator_augmented_assignment),
    (cst.UnaryOperation, mutators.operator_remove_unary_ops),
    (cst.CSTNode, mutators.operator_keywords),
    (cst.CSTNode, mutators.operator_swap_op),
    (cst.Match, mutators.operator_match),
    (cst.IfExp, mutators.operator_if_exp),
    (cst.CSTNode, _return_nothing),
    (cst.CSTNode, _leave_out_a_call),
    (cst.CSTNode, _turn_a_condition_around),
]


def _import_what_tests_import() -> None:
    """Libraries are imported once, so that a mutant needs no second for that. Never a module of ours."""
    for name in ("alembic", "sqlalchemy.orm", "fastapi", "celery", "aiosmtpd.controller", "structlog"):
        importlib.import_module(name)
    for name in ("hypothesis", "babel", "markdown_it", "mjml", "jinja2", "argon2", "webauthn", "fsrs", "zxcvbn"):
        importlib.import_module(name)


def _path(module: str) -> Path:
    return SOURCE.joinpath(*module.split(".")).with_suffix(".py")


def _tell(result: Result) -> None:
    noticed = result.tried - len(result.missed)
    excepted = f", {result.excepted} excepted" if result.excepted else ""
    verdict = "" if result.is_enough else f", less than {WANTED} %"
    _say(f"{result.module}: {noticed} of {result.tried} noticed, {result.percentage:.0f} %{excepted}{verdict}")
    for one in result.missed:
        _say(f"  {_path(one.module).relative_to(ROOT)}:{one.line}\n    - {one.removed}\n    + {one.added}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants", description="Which small faults do tests miss?")
    parser.add_argument("names", nargs="*", metavar="MODULE", help=f"without: {', '.join(USUAL)}")
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"so many a module ({LIMIT})")
    parser.add_argument("--all", action="store_true", help="all of them")
    parser.add_argument("--seed", type=int, default=1, help="takes others")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    _import_what_tests_import()
    sys.exit(main())
