"""The compose file can't be run here, so it is checked against the settings and the commands that exist."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import typer
from ruamel.yaml import YAML
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError
from tests.support.builders import lessons_to, make_runtime, make_settings, reader_with_lesson
from tests.support.servers import HOST, Server, free_port, redis_program
from tests.support.smtp_sink import Sink
from tools.stack import services

from rugcourse.bootstrap import import_lessons, open_dispatcher, open_runtime
from rugcourse.cli.main import app
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import DeliveryState
from rugcourse.doctor.checks.local import check_broker
from rugcourse.doctor.report import State
from rugcourse.settings import Settings

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
ROLES = ROOT / "deploy" / "postgres-roles.sql"
# What may stand in a file of its own only. An address with a password in it is a secret, too.
SECRET_SETTINGS = {
    *("database_password", "broker_url", "smtp_url", "secret_keys", "bounce_mailbox"),
    *("postmark_secret", "brevo_secret", "mailgun_key"),
}
OURS = {name: one for name, one in COMPOSE["services"].items() if "build" in one}


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each call of `rugcourse` in the file, as the words after it."""
    for name, service in COMPOSE["services"].items():
        for line in (service.get("command", []), service.get("healthcheck", {}).get("test", [])):
            for part in " ".join(line).split("&&"):
                _, found, words = part.partition("rugcourse ")
                if found and service in OURS.values():
                    yield name, words.split()


def test_web_worker_and_beat_run_as_often_as_make_stack_runs_them() -> None:
    assert services() == {"web": (["web"], 1), "worker": (["worker"], 2), "beat": (["beat"], 2)}


@pytest.mark.parametrize(("service", "words"), list(commands()))
def test_every_command_exists(service: str, words: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            break
        assert word in command.commands, f"{service}: rugcourse {' '.join(words)}"
        command = command.commands[word]
    assert not hasattr(command, "commands")


@pytest.mark.parametrize("service", OURS)
def test_every_setting_exists_and_secrets_come_from_files(service: str) -> None:
    values = OURS[service]["environment"]
    names = {name.removeprefix("RUGCOURSE_").lower() for name in values}
    assert {name.removesuffix("_file") for name in names} <= set(Settings.model_fields)
    assert not names & SECRET_SETTINGS
    assert not any("://" in value and "@" in value and ":" in urlsplit(value).netloc for value in values.values())


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_a_service_gets_the_secrets_that_it_names_and_no_other(service: str) -> None:
    one = COMPOSE["services"][service]
    said = " ".join(_texts([one.get("environment", {}), one.get("command", []), one["healthcheck" if "healthcheck" in one else "command"]]))  # fmt: skip
    named = set(re.findall(r"/run/secrets/(\w+)", said))
    if service == "postgres":
        named |= set(re.findall(r"/run/secrets/(\w+)", ROLES.read_text(encoding="utf-8")))
    assert set(one["secrets"]) == named
    assert named <= set(COMPOSE["secrets"])


def test_compose_gives_secrets_only_to_services_that_use_them() -> None:
    holders = {
        secret: {name for name, one in COMPOSE["services"].items() if secret in one["secrets"]}
        for secret in COMPOSE["secrets"]
    }
    assert holders["secret_keys"] == holders["smtp_url"] == {"web", "worker"}
    assert holders["database_owner_password"] == {"postgres", "migrate"}
    assert holders["postgres_password"] == {"postgres"}
    assert holders["redis_password"] == {"redis"}


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_a_service_can_do_little_should_it_be_taken_over(service: str) -> None:
    one = COMPOSE["services"][service]
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["read_only"] is True
    assert any(place.startswith("/tmp") for place in one["tmpfs"])
    assert one["user"] not in {"root", "0"}
    assert one["pids_limit"] > 0
    assert re.fullmatch(r"\d+[mg]", one["mem_limit"])


def test_compose_networks_connect_each_service_to_no_more_than_it_needs() -> None:
    members: dict[str, set[str]] = {name: set() for name in COMPOSE["networks"]}
    for name, one in COMPOSE["services"].items():
        for network in one["networks"]:
            members[network].add(name)
    assert members == {
        "database": {"postgres", "migrate", "web", "worker", "beat"},
        "broker": {"redis", "web", "worker", "beat"},
        "outgoing": {"worker"},
        "front": {"web"},
    }
    assert {name for name, one in COMPOSE["networks"].items() if one.get("internal")} == {"database", "broker"}
    assert {name for name, one in COMPOSE["services"].items() if "ports" in one} == {"web"}
    assert OURS["web"]["ports"] == ["127.0.0.1:8000:8000"]


def test_the_pages_believe_their_own_network_alone() -> None:
    [subnet] = COMPOSE["networks"]["front"]["ipam"]["config"]
    assert OURS["web"]["environment"]["RUGCOURSE_TRUSTED_PROXIES"] == subnet["subnet"]


def test_images_are_named_by_exact_version() -> None:
    images = [one["image"] for one in COMPOSE["services"].values() if "image" in one]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(images) == 4
    for image in images:
        assert re.fullmatch(r"[a-z]+:\d+\.\d+(\.\d+)?(-[a-z-]+)?(@sha256:[0-9a-f]{64})?", image), image


def test_the_image_holds_locked_packages_and_runs_as_nobody_special() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    installs = [line for line in lines if "pip install" in line or "pip wheel" in line]
    assert all(
        "--require-hashes" in line or ("--no-deps" in line and ("/wheels/" in line or "--no-build-isolation" in line))
        for line in installs
    )
    assert "USER rugcourse" in lines


def test_the_commands_for_the_secrets_make_what_the_file_asks_for(tmp_path: Path) -> None:
    lines = [line.removeprefix("#").strip() for line in (ROOT / "docker-compose.yml").read_text("utf-8").splitlines()]
    script = lines[lines.index("(") : lines.index(")") + 1]
    subprocess.run(["sh", "-euc", "\n".join(script)], check=True, cwd=tmp_path)
    made = {file.name: file.read_text().strip() for file in (tmp_path / "secrets").iterdir()}
    assert set(made) == {Path(one["file"]).name for one in COMPOSE["secrets"].values()}
    assert made["broker_url"] == f"redis://:{made['redis_password']}@redis:6379/0"
    assert len(set(made.values())) == len(made)
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_redis_asks_for_the_password_of_its_secret(tmp_path: Path) -> None:
    """The command of the file itself, with the places of a container moved into a folder."""
    (tmp_path / "redis_password").write_text("a-password\n")
    shell, option, line = COMPOSE["services"]["redis"]["command"]
    line = line.replace("/run/secrets/", f"{tmp_path}/").replace("/tmp/redis.conf", f"{tmp_path}/redis.conf")
    port = free_port()
    path = f"{Path(redis_program()).parent}{os.pathsep}{os.environ['PATH']}"
    command = [shell, option, f"{line} --port {port} --bind {HOST} --dir {tmp_path}"]
    with Server(command, port, tmp_path / "log", None, signal.SIGTERM, {**os.environ, "PATH": path}):
        settings = Settings(broker_url=f"redis://:a-password@{HOST}:{port}/0")
        assert [one.state for one in check_broker(settings)] == [State.OK]
        stranger = Settings(broker_url=f"redis://{HOST}:{port}/0")
        assert [one.state for one in check_broker(stranger)] == [State.ERROR]
    assert stat.S_IMODE((tmp_path / "redis.conf").stat().st_mode) == 0o600


def test_the_role_of_the_processes_changes_rows_and_no_tables(postgres_url: str, tmp_path: Path) -> None:
    with two_roles(postgres_url, tmp_path) as (owner_url, url):
        owner = Database(owner_url)
        upgrade(owner)
        import_lessons(open_runtime(make_settings(tmp_path, database_url=owner_url)))
        owner.close()
        database = Database(url)
        runtime = make_runtime(database, make_settings(tmp_path, database_url=url))
        with Sink() as sink:
            runtime = replace(runtime, settings=make_settings(tmp_path, sink.url, database_url=url))
            dispatcher = open_dispatcher(runtime)
            email = reader_with_lesson(runtime, dispatcher)
            dispatcher.close()
        assert [one.state for one in lessons_to(runtime, email)] == [DeliveryState.ACCEPTED]
        for change in ("DROP TABLE delivery", "CREATE TABLE mine (id int)", "ALTER TABLE admin ADD COLUMN x int"):
            with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), database.write() as session:
                session.execute(text(change))
        database.close()


@contextmanager
def two_roles(postgres_url: str, folder: Path) -> Iterator[tuple[str, str]]:
    """A database that deploy/postgres-roles.sql has set up; the addresses for its owner and for the processes."""
    script = ROLES.read_text(encoding="utf-8")
    secrets = Path(tempfile.mkdtemp(prefix="rugcourse-"))  # where the server's user can look: not pytest's own folder
    secrets.chmod(0o711)
    for name in ("database_owner_password", "database_password"):
        (secrets / name).write_text("a-password\n")
        (secrets / name).chmod(0o444)
    engine = create_engine(postgres_url.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT")
    inside = create_engine(engine.url.set(database="roles"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text("CREATE DATABASE roles"))
        with inside.connect() as connection:
            connection.connection.cursor().execute(script.replace("/run/secrets", str(secrets)))
            passwords = connection.execute(
                text("SELECT count(*) FROM pg_authid WHERE rolname LIKE 'rugcourse%' AND rolpassword IS NOT NULL")
            )
            assert passwords.scalar_one() == 2
        inside.dispose()
        yield tuple(  # type: ignore[misc]
            engine.url.set(drivername="postgresql", database="roles", username=role).render_as_string()
            for role in ("rugcourse_owner", "rugcourse")
        )
    finally:
        inside.dispose()
        with engine.connect() as connection:
            connection.execute(text("DROP DATABASE IF EXISTS roles WITH (FORCE)"))
            connection.execute(text("DROP ROLE IF EXISTS rugcourse"))
            connection.execute(text("DROP ROLE IF EXISTS rugcourse_owner"))
        engine.dispose()
        shutil.rmtree(secrets)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    else:
        yield str(value)


@pytest.mark.parametrize("service", [name for name in COMPOSE["services"] if name != "migrate"])
def test_every_service_that_stays_has_a_health_check(service: str) -> None:
    assert COMPOSE["services"][service]["healthcheck"]["test"]


def test_journals_and_data_outlive_their_containers() -> None:
    volumes = {name: one.get("volumes", []) for name, one in COMPOSE["services"].items()}
    data = OURS["worker"]["environment"]["RUGCOURSE_DATA_DIR"]
    assert volumes["worker"] == [f"journals:{data}", f"withdrawals:{data}/withdrawals"]
    assert volumes["web"] == [f"withdrawals:{data}/withdrawals"]
    assert volumes["postgres"][0] == "postgres:/var/lib/postgresql"
    assert set(COMPOSE["volumes"]) == {"journals", "postgres", "withdrawals"}


def test_a_worker_has_the_time_to_end_its_conversation() -> None:
    longest = 2 * Settings.model_fields["smtp_timeout_seconds"].default
    assert int(OURS["worker"]["stop_grace_period"].removesuffix("s")) > longest
