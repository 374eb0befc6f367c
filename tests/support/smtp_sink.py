"""An SMTP server for tests and the bench that takes everything, or fails exactly as it is told to."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

_LINES_OF_A_BODY = 20
_MESSAGE_ID = re.compile(rb"^Message-ID: (<[^>]+>)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Taken:
    """A message that the sink has accepted."""

    sender: str
    recipient: str
    raw: bytes

    @property
    def message_id(self) -> str:
        found = _MESSAGE_ID.search(self.raw)
        return found[1].decode() if found else ""


@dataclass(frozen=True)
class Fault:
    """What to do at a step of the conversation instead of taking it well.

    `step`: helo, auth, mail, rcpt, data, body (some lines in), dot or reply (the message is taken, the answer is lost).
    `reply` "" hangs up.
    `do` is called when it comes to it.
    """

    step: str
    reply: str = ""
    stall_seconds: float = 0.0
    do: Callable[[], object] = lambda: None


def no_fault(_recipient: str) -> Fault | None:
    return None


class Sink:
    """Listens on a free port of the loopback. `fault(recipient)` decides what goes wrong for a message.

    At `helo` and `mail` the recipient is still "".
    """

    def __init__(
        self,
        fault: Callable[[str], Fault | None] = no_fault,
        *,
        pipelining: bool = True,
        eight_bit: bool = True,
        auth: bool = False,
        messages_per_connection: int | None = None,
        keep: bool = True,
    ) -> None:
        self.fault = fault
        self.features = [
            name for name, on in (("PIPELINING", pipelining), ("8BITMIME", eight_bit), ("AUTH PLAIN", auth)) if on
        ]
        self.size = "SIZE 30000000"
        self.messages_per_connection = messages_per_connection
        self.keep = keep
        self.taken: list[Taken] = []
        self.count = 0
        self.commands: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Conversation)
        self._server.sink = self
        self.port: int = self._server.server_address[1]

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?starttls=never"

    @property
    def message_ids(self) -> list[str]:
        return [one.message_id for one in self.taken]

    def to(self, recipient: str) -> list[Taken]:
        return [one for one in self.taken if one.recipient == recipient]

    def __enter__(self) -> Sink:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64
    sink: Sink


class _HangUp(Exception):
    pass


class _Conversation(socketserver.StreamRequestHandler):
    rbufsize = 1 << 16

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(_HangUp, ConnectionError):
            self._talk()

    def _talk(self) -> None:
        sink = self.server.sink  # type: ignore[attr-defined]
        self._say("220 sink")
        sender = recipient = ""
        messages = 0
        while line := self.rfile.readline():
            text = line.decode("utf-8", "replace").strip()
            word = text[:4].upper()
            sink.commands.append(text)
            if word in {"EHLO", "HELO"}:
                if self._meet("helo", ""):
                    continue
                self._say("\r\n".join(f"250-{one}" for one in ("sink", *sink.features)) + f"\r\n250 {sink.size}")
            elif word == "AUTH":
                if not self._meet("auth", ""):
                    self._say("235 welcome")
            elif word == "MAIL":
                sender = _address(text)
                if sink.messages_per_connection is not None and messages >= sink.messages_per_connection:
                    raise _HangUp
                if self._meet("mail", ""):
                    sender = ""
                else:
                    self._say("250 ok")
            elif word == "RCPT":
                recipient = _address(text)
                if not sender:
                    recipient = ""
                    self._say("503 MAIL first")
                elif self._meet("rcpt", recipient):
                    recipient = ""
                else:
                    self._say("250 ok")
            elif word == "DATA":
                if not recipient:
                    self._say("554 no recipient")
                elif not self._meet("data", recipient):
                    self._say("354 go on")
                    self._take(sink, sender, recipient)
                    messages += 1
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _take(self, sink: Sink, sender: str, recipient: str) -> None:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return
            lines.append(line[1:] if line.startswith(b"..") else line)
            if len(lines) == _LINES_OF_A_BODY:
                self._meet("body", recipient)
        if self._meet("dot", recipient):
            return
        sink.count += 1
        if sink.keep:
            sink.taken.append(Taken(sender, recipient, b"".join(lines)))
        if not self._meet("reply", recipient):
            self._say("250 taken")

    def _meet(self, step: str, recipient: str) -> bool:
        """Let the fault happen that is planned for this step; True when the step was answered that way."""
        fault = self.server.sink.fault(recipient)  # type: ignore[attr-defined]
        if fault is None or fault.step != step:
            return False
        fault.do()
        time.sleep(fault.stall_seconds)
        if not fault.reply:
            raise _HangUp
        self._say(fault.reply)
        if fault.reply.startswith("421"):
            raise _HangUp
        return True

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


def _address(text: str) -> str:
    return text[text.find("<") + 1 : text.find(">")]
