"""Runs web applications with uvicorn."""

from __future__ import annotations

import signal
import threading
import time

import uvicorn
from fastapi import FastAPI

from rugcourse.web.connections import TimedProtocol
from rugcourse.web.port_check import require_free

_STOP_SECONDS = 1  # for open requests at shutdown
_MAX_CONNECTIONS = 1000  # further ones are answered 503


def _server(app: FastAPI, host: str, port: int, trusted_proxies: str = "") -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            http=TimedProtocol,
            ws="none",
            limit_concurrency=_MAX_CONNECTIONS,
            proxy_headers=bool(trusted_proxies),
            forwarded_allow_ips=trusted_proxies or None,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )


def serve(app: FastAPI, host: str, port: int, trusted_proxies: str = "") -> None:
    """Serve in the main thread until SIGTERM or SIGINT. Raises PortBusy."""
    require_free(host, port, "the web pages", f"RUGCOURSE_PORT={port + 1}")
    # uvicorn raises the signal again at the end; without a handler the exit code would be 143.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    _server(app, host, port, trusted_proxies).run()


class BackgroundServer:
    """Serves in a thread."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        self._server = _server(app, host, port)
        self._thread = threading.Thread(target=self._server.run, name=f"web-{port}", daemon=True)

    def start(self) -> None:
        """Start, and return once requests are answered."""
        self._thread.start()
        while self._thread.is_alive() and not self._server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(2 * _STOP_SECONDS)
