"""What is logged is one JSON object or one line, and holds neither values of rows nor what a level leaves out."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from rugcourse.log_setup import configure_logging


def fail(email: str) -> None:
    raise ValueError(f"broken\nDETAIL:  Key (email)=({email}) exists")


def test_json_lines_have_event_level_time_and_keys(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info", "json")
    structlog.contextvars.bind_contextvars(request_id="r1")
    structlog.get_logger().debug("left_out")
    structlog.get_logger().warning("mail_bounced", delivery_id=7)
    structlog.contextvars.clear_contextvars()
    (line,) = capsys.readouterr().err.splitlines()
    found = json.loads(line)
    assert found.pop("timestamp")
    assert found == {"event": "mail_bounced", "level": "warning", "delivery_id": 7, "request_id": "r1"}


@pytest.mark.parametrize("style", ["console", "json"])
def test_libraries_log_in_the_same_form_and_tracebacks_hold_no_row_details(
    capsys: pytest.CaptureFixture[str], style: str
) -> None:
    configure_logging("debug", style)
    try:
        fail("sam@x.example")
    except ValueError:
        logging.getLogger("a.library").exception("it failed")
    logging.getLogger("a.library").info("left out")
    written = capsys.readouterr().err
    assert "it failed" in written
    assert "a.library" in written
    assert "Traceback" in written
    assert "(sam@x.example)" not in written
    assert "left out" not in written
