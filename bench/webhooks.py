"""How many events a second one worker process tells an endpoint: `python -m bench.webhooks [EVENTS]`."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from multiprocessing.connection import Connection
from pathlib import Path

from rugcourse.clock import SystemClock
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import WebhookEvent
from rugcourse.db.queries import webhook_events
from rugcourse.outgoing_webhooks import endpoints
from rugcourse.outgoing_webhooks.dispatcher import WebhookDispatcher
from rugcourse.outgoing_webhooks.endpoints import EndpointForm
from rugcourse.secret_box import SecretBox

_LOOPBACK = (ip_network("127.0.0.0/8"),)


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    def log_message(self, *_: object) -> None: ...


def _serve(pipe: Connection) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    pipe.send(server.server_port)
    server.serve_forever()


def main(events: int) -> None:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    url = f"http://127.0.0.1:{ours.recv()}/"
    with tempfile.TemporaryDirectory() as folder:
        database, clock = Database(f"sqlite:///{Path(folder) / 'bench.db'}"), SystemClock()
        upgrade(database)
        box = SecretBox(["a-key-for-the-bench-0123456789"])
        form = EndpointForm(url, "", tuple(WebhookEvent), includes_email=False)
        database.run(endpoints.add, clock.now(), box, _LOOPBACK, form, None)
        told = [(person, {"course": "c", "lesson": "l"}) for person in range(1, events + 1)]
        database.run(webhook_events.note, WebhookEvent.LESSON_ACCEPTED, clock.now(), told)
        begun = time.perf_counter()
        WebhookDispatcher(database, clock, box, _LOOPBACK).send_due()
        seconds = time.perf_counter() - begun
    process.terminate()
    print(f"{events} events in {seconds:.1f} s: {events / seconds:.0f} a second")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
