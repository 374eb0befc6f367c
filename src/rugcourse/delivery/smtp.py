"""A connection to the mail server, and the possible outcomes of a message on it.

smtplib does connecting, TLS and login. The mail transaction is our own code, because whether a message may be repeated
depends on how far exactly it got: before the final dot it was certainly not accepted; after it, only the server knows
(RFC 1047).
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rugcourse.errors import UnavailableError
from rugcourse.setting_values import SmtpServer

_DATA = 2  # index of the command in a transaction
_DOT = re.compile(rb"\n\.")  # for such a short needle, a plain `in` takes three times as long
_LINE_START_DOT = re.compile(rb"^\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Accepted:
    reply: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The server will never accept this message (5xx)."""

    reply: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """The message was certainly not accepted, and can be retried."""

    reply: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The final dot was sent, but no reply says whether the message was accepted."""

    reply: str


Outcome = Accepted | Rejected | Deferred | Unknown


class Envelope(NamedTuple):
    """The SMTP envelope. `sender`: the return path, to which bounces go."""

    sender: str
    recipient: str


class ServerCapabilities(NamedTuple):
    """What a server supports. `largest`: bytes of a message, or None if it does not say."""

    encrypted: bool
    pipelining: bool
    eight_bit: bool
    largest: int | None


class ServerUnavailable(UnavailableError):
    """The server accepts no mail at all now. The message quotes its reply; no delivery is the cause."""


class Connection:
    """A session with the mail server. Not thread-safe."""

    def __init__(self, server: SmtpServer, local_hostname: str | None, timeout_seconds: float) -> None:
        """Connect, secure and log in. Raises ServerUnavailable."""
        self._server = server
        try:
            self._smtp = self._connect(local_hostname, timeout_seconds)
        except (smtplib.SMTPException, OSError) as error:
            raise ServerUnavailable(f"{server.host}:{server.port}: {_words(error)}") from error
        self.eight_bit = self._smtp.has_extn("8bitmime")
        self._pipelining = self._smtp.has_extn("pipelining")
        self.alive = True
        self._ahead: Envelope | None = None  # the envelope of the next message, if it was already sent
        # Each write is complete: Nagle's algorithm would only delay its last packet.
        if self._smtp.sock is not None:
            self._smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(
        self, envelope: Envelope, message: bytes, begin: Callable[[], None], upcoming: Envelope | None = None
    ) -> Outcome:
        """Hand over one message. `begin` is called right before the bytes after which the server may accept it.

        `upcoming`: the envelope of the next message. If the server allows, it is sent together with this message (RFC
        2920, 3.1), which saves a round trip per message. If the next message turns out to have another envelope, the
        connection is closed and that message is deferred.

        Raises ServerUnavailable when the server refuses to serve this sender at all.
        """
        try:
            refusal = self._open_envelope(envelope)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            return Deferred(_words(error))
        if refusal is not None:
            return refusal
        try:
            begin()
        except BaseException:
            self.close()  # the server waits for a message that won't come
            raise
        along = b""
        if self._pipelining and upcoming is not None:
            along = _lines(self._commands(upcoming))
            self._ahead = upcoming
        try:
            self._write(_stuffed(message), b".\r\n" + along)
            code, words = self._reply()
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            return Unknown(_words(error))
        if not (200 <= code < 300 or 400 <= code < 600):
            self.close()  # later replies would be matched to the wrong commands
            return Unknown(f"{code} {words}")
        return self._judge(code, words, accepted=code < 300)

    def capabilities(self) -> ServerCapabilities:
        """Return the capabilities that the server announced."""
        size = self._smtp.esmtp_features.get("size", "")
        return ServerCapabilities(
            encrypted=isinstance(self._smtp.sock, ssl.SSLSocket),
            pipelining=self._pipelining,
            eight_bit=self.eight_bit,
            largest=int(size) if size.isdecimal() and int(size) else None,
        )

    def close(self) -> None:
        """Close the connection without QUIT."""
        if self.alive:
            self.alive = False
            self._smtp.close()

    def quit(self) -> None:
        """Send QUIT and close. It is no error if the server has closed the connection."""
        if self._ahead is not None:
            self.close()  # the server waits for a message, and would take QUIT for its content
        if self.alive:
            self.alive = False
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._smtp.quit()

    def _connect(self, local_hostname: str | None, timeout_seconds: float) -> smtplib.SMTP:
        server = self._server
        context = None if server.security == "plain" else ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.security == "tls":
            smtp = smtplib.SMTP_SSL(server.host, server.port, local_hostname, timeout=timeout_seconds, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, local_hostname, timeout=timeout_seconds)
        try:
            smtp.ehlo_or_helo_if_needed()
            if server.security == "starttls" or (server.security == "opportunistic" and smtp.has_extn("starttls")):
                smtp.starttls(context=context)
                smtp.ehlo()
            if server.user is not None:
                smtp.login(server.user, server.password or "")
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _open_envelope(self, envelope: Envelope) -> Outcome | None:
        """Send MAIL, RCPT and DATA, in one write if the server allows (RFC 2920). None: it waits for the message."""
        ahead, self._ahead = self._ahead, None
        if ahead not in {None, envelope}:
            raise smtplib.SMTPServerDisconnected("the server waited for another message")
        commands = self._commands(envelope)
        if self._pipelining:
            if ahead is None:
                self._smtp.send(_lines(commands))
            return self._refusal([self._reply() for _ in commands])
        replies = []
        for command in commands:
            self._smtp.send(_lines([command]))
            replies.append(self._reply())
            if _is_refusal(len(replies) - 1, replies[-1][0]):
                break
        return self._refusal(replies)

    def _commands(self, envelope: Envelope) -> list[str]:
        body = " BODY=8BITMIME" if self.eight_bit else ""
        return [f"MAIL FROM:<{envelope.sender}>{body}", f"RCPT TO:<{envelope.recipient}>", "DATA"]

    def _refusal(self, replies: list[tuple[int, str]]) -> Outcome | None:
        refused = next(((step, *reply) for step, reply in enumerate(replies) if _is_refusal(step, reply[0])), None)
        if refused is None:
            return None
        step, code, words = refused
        if not 400 <= code < 600:  # not a valid reply to the command
            raise smtplib.SMTPServerDisconnected(f"the server answered {code} {words} before the message")
        if len(replies) == 3 and replies[2][0] == 354:
            # Pipelined DATA was accepted although no recipient was: an empty message ends it.
            self._smtp.send(b".\r\n")
            self._reply()
        if self.alive and code != 421:
            self._smtp.putcmd("RSET")
            self._reply()
        if step == 0 and code >= 500:
            self.close()
            raise ServerUnavailable(f"{self._server.host} refuses the sender: {code} {words}")
        return self._judge(code, words, accepted=False)

    def _judge(self, code: int, words: str, *, accepted: bool) -> Outcome:
        reply = f"{code} {words}"
        if accepted:
            return Accepted(reply)
        if code == 421:
            self.close()
        return Rejected(reply) if code >= 500 else Deferred(reply)

    def _write(self, message: bytes, end: bytes) -> None:
        """Send message and end in one write, without concatenating them first."""
        sock = self._smtp.sock
        if sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        sent = sock.send(message) if isinstance(sock, ssl.SSLSocket) else sock.sendmsg((message, end))
        if sent < len(message) + len(end):
            sock.sendall((message + end)[sent:])

    def _reply(self) -> tuple[int, str]:
        code, words = self._smtp.getreply()
        if code < 200:  # not a valid reply; after the final dot the outcome is then unknown
            raise smtplib.SMTPServerDisconnected("the server answered with something that is no reply")
        return code, printable(words.decode("utf-8", "replace"))


def _is_refusal(step: int, code: int) -> bool:
    """Whether a reply to MAIL (0), RCPT (1) or DATA (2) is not a success (RFC 5321, 4.3.2)."""
    return code // 100 != (3 if step == _DATA else 2)


def _lines(commands: Sequence[str]) -> bytes:
    return "".join(f"{command}\r\n" for command in commands).encode("ascii")


def _stuffed(message: bytes) -> bytes:
    """Double a dot at the beginning of a line (RFC 5321, 4.5.2)."""
    return _LINE_START_DOT.sub(b"..", message) if _DOT.search(message) else message


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        raw = error.smtp_error
        return printable(f"{error.smtp_code} {raw.decode('utf-8', 'replace') if isinstance(raw, bytes) else raw}")
    return printable(str(error)) or type(error).__name__


def printable(words: str) -> str:
    """Reduce a reply to one line of printable characters. Anybody can run a server, so replies are untrusted input."""
    return "".join(one if one.isprintable() else " " for one in words)
