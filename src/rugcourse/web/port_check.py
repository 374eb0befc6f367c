"""Checks before the start that a port is free."""

from __future__ import annotations

import socket

from rugcourse.errors import ConfigError


class PortBusy(ConfigError):
    """The port can't be used. The message says why, and how to choose another."""


def require_free(host: str, port: int, purpose: str, cure: str) -> None:
    """Raise PortBusy if a port can't be bound. `purpose`, `cure`: parts of the message."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortBusy(
                f"port {port} ({purpose}) can't be used: {error.strerror}. "
                f"End the program that has it, or choose another: {cure}"
            ) from None
