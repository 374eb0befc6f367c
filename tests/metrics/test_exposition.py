"""A worker answers for its metrics on a port of its own."""

from __future__ import annotations

import socket
import urllib.request

import pytest
from tests.support.servers import free_port

from rugcourse.metrics import instruments
from rugcourse.metrics.exposition import PortTaken, listen


def test_a_port_answers_with_what_was_counted_until_it_is_stopped() -> None:
    port = free_port()
    instruments.measure_smtp("", 0.2)
    stop = listen("127.0.0.1", port)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b'rugcourse_smtp_seconds_count{reply="none"}' in answer.read()
    finally:
        stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))


def test_a_port_that_is_taken_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=f"127.0.0.1:{port} .* choose another RUGCOURSE_METRICS_PORT"):
            listen("127.0.0.1", port)
