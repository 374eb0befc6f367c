"""Which half of the readers gets which wording."""

from __future__ import annotations

from itertools import combinations
from random import Random

from sqlalchemy import BigInteger, literal, select

from rugcourse.db.engine import Database
from rugcourse.db.queries.ab_tests import draw_hash, in_variant_b

_PEOPLE = 50_000


def test_the_halves_of_any_two_trials_have_nothing_to_do_with_each_other(database: Database) -> None:
    """Else what a first trial did to its readers would show as a difference in the next one."""
    people = select(literal(1, BigInteger).label("id")).cte("people", recursive=True)
    people = people.union_all(select(people.c.id + 1).where(people.c.id < _PEOPLE))
    chance = Random(1)  # noqa: S311 - the same ones each time
    columns = [in_variant_b(people.c.id, *(literal(one, BigInteger) for one in draw_hash(chance))) for _ in range(10)]
    with database.read() as session:
        rows = session.execute(select(*columns)).all()
    halves = list(zip(*rows, strict=True))
    assert all(abs(sum(half) / _PEOPLE - 0.5) <= 0.01 for half in halves)
    for one, other in combinations(halves, 2):
        agreement = sum(a == b for a, b in zip(one, other, strict=True)) / _PEOPLE
        assert abs(agreement - 0.5) <= 0.01
