"""The model agrees with the product, on some runs that are the same each time. `make drill` plays others."""

from __future__ import annotations

from tests.model import stores
from tests.model.playing import Played, play

from rugcourse.db.engine import Database


def test_the_product_does_what_the_model_says_on_sqlite() -> None:
    with stores.sqlite() as opener:
        play(opener, Played(), runs=20)


def test_the_product_does_what_the_model_says_on_postgresql(empty_postgres: Database) -> None:
    with stores.postgresql(empty_postgres) as opener:
        play(opener, Played(), runs=12)
