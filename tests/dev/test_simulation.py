"""A rehearsal of the whole course."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.builders import make_settings

from rugcourse.dev.simulation.people import make_person
from rugcourse.dev.simulation.simulator import SimulationReport, run_simulation


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> SimulationReport:
    return run_simulation(make_settings(tmp_path_factory.mktemp("x")), 120, 14, 7)


def test_simulated_readers_who_stay_get_nine_lessons_and_the_books_balance(report: SimulationReport) -> None:
    assert report.audit.findings == ()
    last = next(book for book in report.audit.totals if book.lesson == "afronding")
    assert last.counts["accepted"] >= 120 - report.left - report.bounced - report.paused - 30
    assert report.lessons == sum(book.counts["accepted"] for book in report.audit.totals if book.kind == "lesson")


def test_lessons_come_at_the_readers_own_hours(report: SimulationReport) -> None:
    assert set(report.lessons_by_local_hour) <= {
        make_person(number, 14, 7, ("nl", "en")).hour for number in range(1, 121)
    }
    assert report.late_max == 0


def test_people_answer_leave_pause_move_and_bounce(report: SimulationReport) -> None:
    assert report.answers > 100
    assert 0.3 < report.answers_right / report.answers < 0.9
    assert min(report.left, report.paused, report.bounced) > 0


def test_the_same_seed_plays_the_same_and_another_seed_does_not(tmp_path: Path) -> None:
    def figures(seed: int) -> tuple[int, int, dict[int, int]]:
        played = run_simulation(make_settings(tmp_path), 15, 4, seed)
        return played.lessons, played.answers, played.lessons_by_local_hour

    assert figures(3) == figures(3) != figures(4)
