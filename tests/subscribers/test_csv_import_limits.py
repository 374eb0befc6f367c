"""A list that is uploaded fills no memory, however its lines are made."""

from __future__ import annotations

import pytest
from tests.support.within import within

from rugcourse.subscribers.csv_reader import InvalidList, read_list

SIZE = 50_000_000


@pytest.mark.parametrize(
    "content",
    [
        b"a@x\n" * (SIZE // 4),
        b"," * SIZE,
        (b"," * 99 + b"@\n") * (SIZE // 101),
        b'"' + b"\n" * SIZE,
        b"a;" * (SIZE // 2),
    ],
    ids=["short lines", "one line", "many cells", "an open quote", "one long line"],
)
def test_csv_import_of_fifty_megabytes_is_refused_within_memory_and_time_limits(content: bytes) -> None:
    def work() -> None:
        with pytest.raises(InvalidList):
            read_list(content)

    within(60, 1200, work)
