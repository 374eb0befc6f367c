"""Mail that comes back is what it is called, in the formats of all big systems; and what is broken does no harm."""

from __future__ import annotations

import random

import pytest
from tests.support.bounce_samples import MESSAGE_ID, SAMPLES, Sample

from rugcourse.bounces.parser import LARGEST, read
from rugcourse.bounces.report import BounceType


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_parser_classifies_the_reports_of_each_mail_system(sample: Sample) -> None:
    found = read(sample.raw)
    assert found.kind == sample.kind
    if sample.status is not None:
        assert found.status == sample.status
    assert "@" not in found.words


def test_the_corpus_has_what_the_big_systems_send() -> None:
    assert len(SAMPLES) >= 60
    assert {sample.kind for sample in SAMPLES} == {*BounceType}
    assert len({sample.name for sample in SAMPLES}) == len(SAMPLES)


def test_the_mail_that_is_quoted_is_found() -> None:
    quoting = [one for one in SAMPLES if MESSAGE_ID.encode() in one.raw]
    assert len(quoting) > 40
    for sample in quoting:
        assert MESSAGE_ID in read(sample.raw).message_ids, sample.name


def test_parser_reads_truncated_and_changed_reports_without_an_error() -> None:
    draw = random.Random(7)  # noqa: S311 - no secret
    for sample in SAMPLES:
        for _ in range(5):
            raw = bytearray(sample.raw[: draw.randrange(len(sample.raw) + 1)])
            for _ in range(min(20, len(raw))):
                raw[draw.randrange(len(raw))] = draw.randrange(256)
            assert read(bytes(raw)).kind in BounceType
    endless = b"From: x\nContent-Type: multipart/mixed; boundary=a\n\n" + b"--a\n" * (LARGEST // 2)
    assert read(endless).kind == BounceType.OTHER
