"""Finds out before anything starts whether the ports are free."""

from __future__ import annotations

import socket


class PortBusy(Exception):
    """Another program listens there. The message says how to choose other ports."""


def require_free(host: str, ports: dict[int, str]) -> None:
    """Raise PortBusy for the first of `ports` (number → what it is for) that is taken."""
    for port, purpose in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                first = min(ports) + 1000
                raise PortBusy(
                    f"port {port} ({purpose}) can't be used: {error.strerror}. "
                    f"End the program that has it, or choose others: rugcourse demo --port {first}"
                ) from None
