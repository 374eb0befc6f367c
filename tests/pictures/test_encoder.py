"""Uploads are made ready one at a time, in a process that may die, and never by what they claim to be."""

from __future__ import annotations

import io
import json
import sys
import threading

import pytest
from tests.support.pictures import png

from rugcourse.pictures import encoder
from rugcourse.pictures.encoder import encode_picture
from rugcourse.pictures.errors import EncoderUnavailable, InvalidPicture, PictureProblem

DONE = json.dumps({"extension": "png", "width": 60, "height": 40, "files": {"20": 2, "60": 3}})


def played(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(encoder, "_COMMAND", (sys.executable, "-c", f"import sys; {code}"))


def test_the_files_of_a_picture_come_by_their_widths(monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, f"sys.stdin.buffer.read(); sys.stdout.write('{DONE}\\n' + 'abcde')")
    made = encode_picture(png())
    assert (made.extension, made.width, made.height) == ("png", 60, 40)
    assert made.files == {20: b"ab", 60: b"cde"}
    assert made.largest == b"cde"


def test_what_is_no_picture_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "_COMMAND", ("/nobody/has/this",))
    with pytest.raises(InvalidPicture) as refused:
        encode_picture(io.BytesIO(b"<script>"))
    assert refused.value.problem == PictureProblem.UNKNOWN_TYPE


def test_a_problem_that_the_process_finds_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, """sys.stdin.buffer.read(); print('{"problem": "damaged"}')""")
    with pytest.raises(InvalidPicture) as refused:
        encode_picture(png())
    assert refused.value.problem == PictureProblem.DAMAGED


def test_a_picture_that_kills_the_process_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(InvalidPicture) as refused:
        encode_picture(png())
    assert refused.value.problem == PictureProblem.DAMAGED


def test_a_picture_that_takes_too_long_is_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "_LONGEST_SECONDS", 0.2)
    played(monkeypatch, "import time; time.sleep(60)")
    with pytest.raises(InvalidPicture):
        encode_picture(png())


@pytest.mark.parametrize("code", ["sys.stdin.buffer.read(); raise ModuleNotFoundError('no Pillow')", "sys.exit(3)"])
def test_a_process_that_can_not_work_is_no_fault_of_the_picture(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    played(monkeypatch, code)
    with pytest.raises(EncoderUnavailable):
        encode_picture(png())


def test_a_process_that_can_not_be_started_is_no_fault_of_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder, "_COMMAND", ("/nobody/has/this",))
    with pytest.raises(EncoderUnavailable):
        encode_picture(png())


def test_the_process_gets_none_of_our_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUGCOURSE_SECRET_KEYS", "a secret of ours")
    played(monkeypatch, "import os; sys.exit(any(one.startswith('RUGCOURSE_') for one in os.environ))")
    with pytest.raises(EncoderUnavailable, match="no reply"):  # it found none, and ended well
        encode_picture(png())


def test_who_does_not_wait_gets_an_answer_while_another_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, f"sys.stdin.buffer.read(); sys.stdout.write('{DONE}\\nabcde')")
    with encoder._encoding, pytest.raises(EncoderUnavailable, match="another picture"):
        encode_picture(png(), patient=False)
    assert encode_picture(png(), patient=False).width == 60


def test_of_fifty_at_once_each_is_made_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, f"sys.stdin.buffer.read(); sys.stdout.write('{DONE}\\nabcde')")
    found: list[str] = []

    def upload() -> None:
        try:
            encode_picture(io.BytesIO(png()))
            found.append("made")
        except EncoderUnavailable:
            found.append("refused")

    threads = [threading.Thread(target=upload) for _ in range(50)]
    with encoder._encoding:
        for one in threads:
            one.start()
        while len(found) < 50 - encoder._MOST_WAITING:
            pass
    for one in threads:
        one.join()
    assert sorted(set(found)) == ["made", "refused"]
    assert found.count("made") == encoder._MOST_WAITING


def test_a_square_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    played(monkeypatch, f"sys.stdin.buffer.read(); assert sys.argv[1:] == ['jpg', 'square']; print('{DONE}')")
    encode_picture(png(), "jpg", square=True)
