"""Time zones by country and city: each place once, and whatever a browser may call it is found."""

from __future__ import annotations

import pytest

from rugcourse.scheduling import zone_names
from rugcourse.web.time_zones import zone_choices, zone_label


@pytest.mark.parametrize(
    ("name", "language", "label"),
    [
        ("Europe/Amsterdam", "nl", "Nederland (Amsterdam)"),
        ("Europe/Amsterdam", "de", "Niederlande (Amsterdam)"),
        ("Asia/Tokyo", "nl", "Japan (Tokio)"),
        ("America/New_York", "en", "United States (New York)"),
        ("Asia/Calcutta", "en", "India (Kolkata)"),
        ("Antarctica/Troll", "nl", "Troll"),
        ("UTC", "nl", "UTC"),
        ("Mars/Olympus_Mons", "nl", "Olympus Mons"),
    ],
)
def test_a_time_zone_is_named_by_its_country_and_city(name: str, language: str, label: str) -> None:
    assert zone_label(name, language) == label


@pytest.mark.parametrize("language", ["nl", "en", "de"])
def test_each_place_is_offered_once_and_can_be_stored(language: str) -> None:
    choices = zone_choices(language, "UTC")
    assert len({one.label for one in choices}) == len(choices) > 400
    assert {one.name for one in choices} <= {*zone_names()}


def test_every_zone_that_somebody_has_is_offered_or_another_name_of_one_that_is() -> None:
    known = {name for one in zone_choices("en", "UTC") for name in (one.name, *one.also)}
    # Places newer than the data of Unicode are offered once it knows them.
    assert len({*zone_names()} - known) <= 3
    assert {"Asia/Kolkata", "Asia/Calcutta", "Europe/Kyiv", "Europe/Kiev", "Africa/Asmara", "Africa/Asmera"} <= known


def test_current_zone_can_be_kept_even_if_it_is_not_offered() -> None:
    first = zone_choices("en", "America/Coyhaique")[0]
    assert (first.name, first.label) == ("America/Coyhaique", "Coyhaique")
    assert zone_choices("en", "Europe/Amsterdam") == zone_choices("en", "Europe/London")
