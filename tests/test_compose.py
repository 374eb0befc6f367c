"""The compose file can't be run here, so it is checked against the settings and the commands that exist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML
from tools.stack import services

from rugcourse.cli.main import app
from rugcourse.settings import Settings

ROOT = Path(__file__).parent.parent
COMPOSE: dict[str, Any] = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
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
    names = [name.removeprefix("RUGCOURSE_").lower() for name in OURS[service]["environment"]]
    assert {name.removesuffix("_file") for name in names} <= set(Settings.model_fields)
    assert {"secret_keys_file", "database_password_file"} <= set(names)
    files = [value for name, value in OURS[service]["environment"].items() if name.endswith("_FILE")]
    assert [value.removeprefix("/run/secrets/") for value in files] == OURS[service]["secrets"]
    assert set(OURS[service]["secrets"]) <= set(COMPOSE["secrets"])


@pytest.mark.parametrize("service", [name for name in COMPOSE["services"] if name != "migrate"])
def test_every_service_that_stays_has_a_health_check(service: str) -> None:
    assert COMPOSE["services"][service]["healthcheck"]["test"]


def test_journals_and_data_outlive_their_containers() -> None:
    volumes = {name: one.get("volumes", []) for name, one in COMPOSE["services"].items()}
    assert volumes["worker"] == [f"journals:{OURS['worker']['environment']['RUGCOURSE_DATA_DIR']}"]
    assert volumes["postgres"] == ["postgres:/var/lib/postgresql"]
    assert set(COMPOSE["volumes"]) == {"journals", "postgres"}


def test_a_worker_has_the_time_to_end_its_conversation() -> None:
    longest = 2 * Settings.model_fields["smtp_timeout_seconds"].default
    assert int(OURS["worker"]["stop_grace_period"].removesuffix("s")) > longest
