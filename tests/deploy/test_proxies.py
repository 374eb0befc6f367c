"""The example configurations of nginx and Caddy, filled in as their comments say, before a real `rugcourse web`."""

from __future__ import annotations

import getpass
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.builders import make_settings
from tests.support.servers import HOST, Server, free_port
from tests.support.stack import Stack, environment

from rugcourse.clock import SystemClock
from rugcourse.doctor.checks.client_address import MADE_UP, check_client_address
from rugcourse.doctor.report import State
from rugcourse.links import Links, Signer

DEPLOY = Path(__file__).parents[2] / "deploy"
NAME = "localhost"
KEY = "a-key-for-tests-0123456789"
LIMITS = [
    ("/nl/oorzaken-van-rugpijn/signup", 64_000),
    ("/admin/lessons/1", 1_000_000),
    ("/webhooks/postmark", 1_000_000),
    ("/admin/imports", 50_000_000),
]
FORM = {"Content_Type": "application/octet-stream"}
_PATIENCE_SECONDS = 90.0
needs_nginx = pytest.mark.needs("nginx")
needs_caddy = pytest.mark.needs("caddy")


@dataclass(frozen=True, slots=True)
class Site:
    """Where visitors come in, and what they trust."""

    https: int
    http: int
    trust: ssl.SSLContext
    certificate: Path

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.https}"

    def connect(self, source: str = HOST) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(
            NAME, self.https, context=self.trust, timeout=_PATIENCE_SECONDS, source_address=(source, 0)
        )

    def speak(self, text: str) -> ssl.SSLSocket:
        """A connection on which somebody has begun to say something."""
        plain = socket.create_connection((HOST, self.https), timeout=_PATIENCE_SECONDS)
        encrypted = self.trust.wrap_socket(plain, server_hostname=NAME)
        encrypted.sendall(text.replace("\n", "\r\n").encode())
        return encrypted


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Path, dict[str, int]]]:
    """Prepared, not started: the pages need to know where the proxy will be."""
    folder = tmp_path_factory.mktemp("web")
    ports = {name: free_port() for name in ("web", "nginx", "nginx-http", "caddy", "caddy-http")}
    variables = environment(
        f"sqlite:///{folder / 'web.db'}", "memory://", f"smtp://{HOST}:9", folder,
        secret_keys=KEY, port=ports["web"], trusted_proxies=HOST, base_url=f"https://{NAME}:{ports['nginx']}",
    )  # fmt: skip
    with Stack(variables, folder / "log") as stack:
        stack.run("db", "upgrade")
        stack.start("web")
        end = time.monotonic() + _PATIENCE_SECONDS
        while socket.socket().connect_ex((HOST, ports["web"])) != 0:
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.1)
        yield stack, folder, ports


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("certificate")
    made, key = folder / "fullchain.pem", folder / "privkey.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", key, "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    return made, key


@pytest.fixture(scope="module")
def nginx(web: tuple[Stack, Path, dict[str, int]], certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:  # fmt: skip
    _stack, _folder, ports = web
    folder = tmp_path_factory.mktemp("nginx")
    filled = _filled_in(
        DEPLOY / "nginx.conf",
        {
            "courses.example.org": NAME,
            "/etc/ssl/courses/fullchain.pem": str(certificate[0]),
            "/etc/ssl/courses/privkey.pem": str(certificate[1]),
            "127.0.0.1:8000": f"{HOST}:{ports['web']}",
            "listen 80": f"listen {HOST}:{ports['nginx-http']}",
            "listen 443": f"listen {HOST}:{ports['nginx']}",
        },
    )
    (folder / "rugcourse.conf").write_text(filled)
    places = "".join(f"{name}_temp_path {folder / name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    (folder / "nginx.conf").write_text(
        f"user {getpass.getuser()}; daemon off; pid {folder / 'pid'}; error_log stderr; events {{}}\n"
        f"http {{ {places} include {folder / 'rugcourse.conf'}; }}\n"
    )
    command = [shutil.which("nginx") or "nginx", "-e", "stderr", "-c", folder / "nginx.conf"]
    checked = subprocess.run([*command, "-t"], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr.replace('[warn] the "user" directive', "")
    with Server(command, ports["nginx"], folder / "log", None, signal.SIGTERM):
        trust = ssl.create_default_context(cafile=str(certificate[0]))
        yield Site(ports["nginx"], ports["nginx-http"], trust, certificate[0])


@pytest.fixture(scope="module")
def caddy(web: tuple[Stack, Path, dict[str, int]], certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:  # fmt: skip
    """Caddy would ask for a certificate for the name, which nobody gives to this one: it gets one of its own."""
    _stack, _folder, ports = web
    folder = tmp_path_factory.mktemp("caddy")
    text = _filled_in(DEPLOY / "Caddyfile", {"courses.example.org": NAME, "127.0.0.1:8000": f"{HOST}:{ports['web']}"})
    text = text.replace(f"\n{NAME} {{", f"\n{NAME} {{\n\tbind {HOST}\n\ttls {certificate[0]} {certificate[1]}", 1)
    own = f"{{\n\tadmin off\n\thttp_port {ports['caddy-http']}\n\thttps_port {ports['caddy']}\n\tstorage file_system {folder}\n"
    text = re.sub(r"^\{\n", lambda _: own, text, count=1, flags=re.MULTILINE)
    (folder / "Caddyfile").write_text(text)
    options = ["--config", folder / "Caddyfile", "--adapter", "caddyfile"]
    command = [shutil.which("caddy") or "caddy", "run", *options]
    checked = subprocess.run(["caddy", "validate", *options], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    with Server(command, ports["caddy"], folder / "log", None, signal.SIGTERM, {**os.environ, "HOME": str(folder)}):
        trust = ssl.create_default_context(cafile=str(certificate[0]))
        yield Site(ports["caddy"], ports["caddy-http"], trust, certificate[0])


def _filled_in(file: Path, values: dict[str, str]) -> str:
    """As the comment at the head of the file says: each of the words that it names, everywhere."""
    text = file.read_text(encoding="utf-8")
    for word, value in values.items():
        assert text.count(word) > 1, f"{file.name} does not name {word} in its comment and use it"
        text = text.replace(word, value)
    return text


@pytest.fixture(params=[pytest.param("nginx", marks=needs_nginx), pytest.param("caddy", marks=needs_caddy)])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


def ask(site: Site, method: str, path: str, body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
    """The answer; its body has been read."""
    with closing(site.connect(headers.pop("source", HOST))) as connection:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        answer.text = answer.read().decode()  # type: ignore[attr-defined]
        return answer


def test_pages_come_by_https_and_http_leads_there(site: Site) -> None:
    answer = ask(site, "GET", "/nl")
    assert answer.status == 200
    assert answer.headers.get_all("Strict-Transport-Security") == ["max-age=31536000"]
    with closing(http.client.HTTPConnection(HOST, site.http, timeout=30)) as plain:
        plain.request("GET", "/nl?a=1", headers={"Host": NAME})
        told = plain.getresponse()
    assert told.status in {301, 308}
    assert re.fullmatch(rf"https://{NAME}(:\d+)?/nl\?a=1", told.headers["Location"])


@needs_nginx
@pytest.mark.parametrize(("path", "limit"), LIMITS)
def test_nginx_lets_through_what_rugcourse_takes_and_no_more(nginx: Site, path: str, limit: int) -> None:
    assert ask(nginx, "POST", path, b"a" * limit, **FORM).status != 413
    refused = ask(nginx, "POST", path, b"a" * (limit + 1), **FORM)
    assert refused.status == 413
    assert refused.headers["Strict-Transport-Security"]


@needs_caddy
@pytest.mark.parametrize(("path", "limit"), LIMITS[:-1])
def test_caddy_lets_through_what_rugcourse_takes_and_no_more(caddy: Site, path: str, limit: int) -> None:
    """It cuts a body that is too large; version 2.6 then says 502, because rugcourse does not get all of it."""
    assert ask(caddy, "POST", path, b"a" * limit, **FORM).status not in {413, 502}
    assert ask(caddy, "POST", path, b"a" * (limit + 1), **FORM).status in {413, 502}


@needs_caddy
def test_caddy_takes_the_same_sizes_by_the_same_paths() -> None:
    adapted = subprocess.run(
        ["caddy", "adapt", "--config", DEPLOY / "Caddyfile", "--adapter", "caddyfile"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    sizes, paths = re.findall(r'"max_size":(\d+)', adapted), re.findall(r'"path":\["([^"]+)"\]', adapted)
    assert dict(zip(paths, sizes, strict=False)) == {
        "/admin/lessons/*": "1000000", "/admin/imports*": "50000000", "/webhooks/*": "1000000",
    }  # fmt: skip
    assert sizes[len(paths) :] == ["64000"]


@needs_nginx
@pytest.mark.parametrize(("path", "limit"), LIMITS[:1])
def test_a_larger_body_that_does_not_say_so_is_refused_by_nginx_itself(nginx: Site, path: str, limit: int) -> None:
    with closing(nginx.connect()) as connection:
        connection.request("POST", path, iter([b"a" * limit, b"a"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})  # fmt: skip
        answer = connection.getresponse()
        assert (answer.status, b"nginx" in answer.read()) == (413, True)


@needs_nginx
@pytest.mark.parametrize(
    "begin",
    [
        f"POST /webhooks/postmark HTTP/1.1\nHost: {NAME}\nContent-Length: 100\n\na",
        f"GET /nl HTTP/1.1\nHost: {NAME}\nX-More: ",
    ],
    ids=["body", "head"],
)
def test_proxy_closes_connections_of_clients_that_stop_sending(nginx: Site, begin: str) -> None:
    with closing(nginx.speak(begin)) as slow:
        assert _all(slow) == b""


@needs_nginx
def test_proxy_limits_connections_per_address_and_serves_others(nginx: Site) -> None:
    begin = f"POST /webhooks/postmark HTTP/1.1\nHost: {NAME}\nContent-Length: 100\n\na"
    with ExitStack() as open_ones:
        for _ in range(30):
            open_ones.enter_context(closing(nginx.speak(begin)))
        assert ask(nginx, "GET", "/nl").status == 503
        assert ask(nginx, "GET", "/nl", source="127.0.0.2").status == 200


def test_the_address_of_a_visitor_arrives_and_one_that_is_made_up_does_not(site: Site) -> None:
    path = Links("", Signer.from_texts([KEY])).client_address(int(datetime.now(UTC).timestamp()))
    told = ask(site, "GET", path, source="127.0.0.2", X_Forwarded_For=MADE_UP)
    assert json.loads(told.text) == {"client": "127.0.0.2", "forwarded": ["127.0.0.2"]}  # type: ignore[attr-defined]


def test_the_doctor_is_content(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(site.certificate))
    settings = make_settings(tmp_path, base_url=site.url)
    [finding] = check_client_address(settings, Links(site.url, Signer.from_texts([KEY])), SystemClock())
    assert finding.state == State.OK


def test_the_doctor_sees_pages_that_believe_whoever_comes_from_their_own_machine(
    web: tuple[Stack, Path, dict[str, int]], tmp_path: Path
) -> None:
    """Here the doctor comes from the very address that the setting trusts, and no proxy replaces what it says."""
    url = f"http://{HOST}:{web[2]['web']}"
    [finding] = check_client_address(
        make_settings(tmp_path, base_url=url), Links(url, Signer.from_texts([KEY])), SystemClock()
    )
    assert finding.state == State.ERROR


def _all(connection: ssl.SSLSocket) -> bytes:
    """What is said until the other side ends it."""
    said = b""
    try:
        while part := connection.recv(4096):
            said += part
    except (ConnectionResetError, ssl.SSLEOFError):
        pass
    return said
