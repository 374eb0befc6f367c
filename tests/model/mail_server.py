"""A mail server in this process: it speaks SMTP over a socket that is none, and fails exactly as it is told to."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rugcourse.clock import Clock

_END = b"\r\n.\r\n"
_ADDRESS = re.compile(rb"<([^>]*)>")
_HEADER = {
    name: re.compile(rb"^" + name.encode() + rb": ([^\r\n]+)", re.MULTILINE)
    for name in ("Message-ID", "Subject", "Feedback-ID")
}


class Behaviour(StrEnum):
    """How a message is received. `TAKES` at the beginning: the server has it, whatever it answers."""

    FINE = "fine"
    FULL = "full"  # the mailbox: try again
    GREYLISTS = "greylists"  # after the message: try again
    NO_SUCH_USER = "no such user"
    TOO_LARGE = "too large"  # refused for good, but not because of the reader
    POLICY = "policy"  # refuses us for what we are
    REFUSES_SENDER = "refuses the sender"
    AWAY = "away"
    DROPS_MESSAGE = "hangs up before it has the whole message"
    TAKES_AND_DROPS = "takes it and hangs up"
    TAKES_AND_IS_SILENT = "takes it and says nothing more"
    TAKES_AND_ANSWERS_221 = "takes it and answers 221"
    TAKES_AND_ANSWERS_354 = "takes it and answers 354"
    TAKES_AND_ANSWERS_NOTHING_KNOWN = "takes it and answers with no code"

    @property
    def leaves_doubt(self) -> bool:
        """Whether the sender can't know what became of the message."""
        return self.startswith("takes") or self == Behaviour.DROPS_MESSAGE


_TAKEN = "250 2.0.0 taken"
_ANSWERS = {
    Behaviour.GREYLISTS: "451 4.7.1 greylisted, try again later",
    Behaviour.POLICY: "550 5.7.1 we want no mail from you",
    Behaviour.TAKES_AND_ANSWERS_221: "221 2.0.0 queued, goodbye",
    Behaviour.TAKES_AND_ANSWERS_354: "354 go on",
    Behaviour.TAKES_AND_ANSWERS_NOTHING_KNOWN: "thank you",
}
_REFUSALS = {
    Behaviour.FULL: "452 4.2.2 mailbox full",
    Behaviour.NO_SUCH_USER: "550 5.1.1 no such user",
    Behaviour.TOO_LARGE: "552 5.3.4 message too big",
}


@dataclass(frozen=True, slots=True)
class Mail:
    """A message that the server has taken."""

    message_id: str
    recipient: str
    at: datetime
    raw: bytes

    def header(self, name: str) -> str:
        found = _HEADER[name].search(self.raw)
        return found[1].decode() if found else ""


def message_id_of(raw: bytes) -> str:
    found = _HEADER["Message-ID"].search(raw)
    return found[1].decode() if found else ""


class MailServer:
    """`for_all`, and `for_recipient` before it, say how messages are received.

    `on_accepted` is called with each message that the server has; `tried`, before it answers, with the recipient, how it behaves
    and the Message-ID ("" before it has one); `once` at the end of the next message, and then never again.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.for_all = Behaviour.FINE
        self.for_recipient: dict[str, Behaviour] = defaultdict(lambda: Behaviour.FINE)
        self.on_accepted: Callable[[Mail], None] = lambda _: None
        self.tried: Callable[[str, Behaviour, str], None] = lambda *_: None
        self.once: Callable[[], None] | None = None
        self.count = 0

    def connect(self, *_: object, **__: object) -> Line:
        """In the place of `smtplib.SMTP._get_socket`."""
        if self.for_all == Behaviour.AWAY:
            raise ConnectionRefusedError("nobody is there")
        return Line(self)

    def behaviour(self, recipient: str) -> Behaviour:
        return self.for_all if self.for_all != Behaviour.FINE else self.for_recipient[recipient]

    def receive(self, recipient: str, raw: bytes) -> None:
        self.count += 1
        self.on_accepted(Mail(message_id_of(raw), recipient, self._clock.now(), raw))

    def interrupt(self) -> None:
        once, self.once = self.once, None
        if once is not None:
            once()


class Line:
    """What smtplib takes for a socket: what is written to it is answered at once."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._heard = bytearray()
        self._said = bytearray(b"220 model ready\r\n")
        self._recipient: str | None = None
        self._in_message = False
        self._hung_up = False

    def sendall(self, data: bytes) -> None:
        if self._hung_up or self._server.for_all == Behaviour.AWAY:
            self._hung_up = True
            raise BrokenPipeError("the server hung up")
        self._heard += data
        while self._answer_next():
            pass

    def sendmsg(self, parts: Iterable[bytes]) -> int:
        data = b"".join(parts)
        self.sendall(data)
        return len(data)

    def send(self, data: bytes) -> int:
        self.sendall(data)
        return len(data)

    def makefile(self, _mode: str) -> Line:
        return self

    def readline(self, _limit: int = -1) -> bytes:
        line = io.BytesIO(self._said).readline()
        if not line and not self._hung_up:
            raise TimeoutError("timed out")
        del self._said[: len(line)]
        return line

    def setsockopt(self, *_: object) -> None: ...

    def settimeout(self, *_: object) -> None: ...

    def close(self) -> None:
        self._hung_up = True

    def _answer_next(self) -> bool:
        if self._hung_up:
            return False
        if self._in_message:
            end = -2 if self._heard.startswith(_END[2:]) else self._heard.find(_END)
            if end == -1:
                return False
            raw = bytes(self._heard[: end + 2])
            del self._heard[: end + len(_END)]
            self._in_message = False
            self._end_of_message(raw)
            return True
        line, found, _ = bytes(self._heard).partition(b"\r\n")
        if not found:
            return False
        del self._heard[: len(line) + 2]
        self._command(line)
        return True

    def _command(self, line: bytes) -> None:  # noqa: PLR0911 - a table
        match line[:4].upper():
            case b"EHLO":
                return self._say("250-model\r\n250-PIPELINING\r\n250 8BITMIME")
            case b"MAIL":
                self._recipient = None
                if self._server.for_all == Behaviour.REFUSES_SENDER:
                    return self._say("550 5.7.1 you may not send here")
                return self._say("250 2.1.0 ok")
            case b"RCPT":
                return self._rcpt(_ADDRESS.findall(line)[0].decode())
            case b"DATA":
                if self._recipient is None:
                    return self._say("503 5.5.1 no recipient")
                self._in_message = True
                return self._say("354 go on")
            case b"QUIT":
                self._say("221 2.0.0 goodbye")
                return self.close()
            case _:
                return self._say("250 2.0.0 ok")

    def _rcpt(self, recipient: str) -> None:
        behaviour = self._server.behaviour(recipient)
        refusal = _REFUSALS.get(behaviour)
        if refusal is not None:
            self._server.tried(recipient, behaviour, "")
            return self._say(refusal)
        self._recipient = recipient
        return self._say("250 2.1.5 ok")

    def _end_of_message(self, raw: bytes) -> None:
        recipient, self._recipient = self._recipient or "", None
        behaviour = self._server.behaviour(recipient)
        self._server.tried(recipient, behaviour, message_id_of(raw))
        if behaviour == Behaviour.FINE or behaviour.startswith("takes"):
            self._server.receive(recipient, raw)
        self._server.interrupt()
        if behaviour in {Behaviour.TAKES_AND_DROPS, Behaviour.DROPS_MESSAGE}:
            self.close()
        elif behaviour != Behaviour.TAKES_AND_IS_SILENT:
            self._say(_ANSWERS.get(behaviour, _TAKEN))

    def _say(self, words: str) -> None:
        self._said += words.encode() + b"\r\n"
