"""Another system that gets webhooks: a real HTTP or HTTPS server on loopback that does as a test says."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rugcourse.bootstrap import Runtime
from rugcourse.db.models import WebhookEvent
from rugcourse.outgoing_webhooks import endpoints
from rugcourse.outgoing_webhooks.dispatcher import WebhookDispatcher, WebhookPolicy
from rugcourse.outgoing_webhooks.endpoints import EndpointForm, NewEndpoint
from rugcourse.secret_box import SecretBox

LOOPBACK = (ip_network("127.0.0.0/8"),)
EVERY_EVENT = tuple(WebhookEvent)
MEGABYTE = b"x" * (1 << 20)


@dataclass(frozen=True)
class Received:
    """A request: its headers, in lower case, and its body."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Reply:
    """What is answered. `megabytes`: how much comes after the body; `hang`: nothing is answered until the end."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    megabytes: int = 0
    hang: bool = False


@dataclass
class Receiver:
    """`reply`: request → answer. `sent_megabytes`: how much of a long answer the other side took."""

    url: str = ""
    reply: Callable[[Received], Reply] = lambda _one: Reply()
    received: list[Received] = field(default_factory=list)
    sent_megabytes: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def types(self) -> list[str]:
        return [one.payload["type"] for one in self.received]


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run such a server."""
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if len(body) < int(self.headers["content-length"]):  # the other side was killed
                self.close_connection = True
                return
            one = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            kept.received.append(one)
            reply = kept.reply(one)
            if reply.hang:
                kept.over.wait(60)
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body) + reply.megabytes * len(MEGABYTE)))
            self.end_headers()
            self.wfile.write(reply.body)
            try:
                for _ in range(reply.megabytes):
                    self.wfile.write(MEGABYTE)
                    kept.sent_megabytes += 1
            except OSError:
                self.close_connection = True

        def log_message(self, *_: object) -> None: ...

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None: ...

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    kept.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        kept.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def add_endpoint(
    runtime: Runtime, url: str, events: tuple[str, ...] = EVERY_EVENT, *, includes_email: bool = False
) -> NewEndpoint:
    """Add an endpoint, as an admin does."""
    form = EndpointForm(url, "tests", events, includes_email)
    box = SecretBox(runtime.settings.secret_keys)
    return runtime.database.run(endpoints.add, runtime.clock.now(), box, LOOPBACK, form, None)


def make_dispatcher(runtime: Runtime, tls: ssl.SSLContext | None = None, **policy: float) -> WebhookDispatcher:
    box = SecretBox(runtime.settings.secret_keys)
    return WebhookDispatcher(runtime.database, runtime.clock, box, LOOPBACK, tls=tls, policy=WebhookPolicy(**policy))


def server_certificate(folder: Path, name: str = "hooks.example") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for a name and for 127.0.0.1; returns the server's side and one that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(name), *([x509.IPAddress(ip_address("127.0.0.1"))] if name == "hooks.example" else [])]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port
