"""The command line: help, JSON, exit codes, and no traceback for a user's mistake."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import urllib.request
import zipfile
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from tests.support.builders import make_reader, make_runtime, make_settings
from tests.support.commands import run, run_apart
from tests.support.nameserver import nameserver
from tests.support.servers import free_port

from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade

ROOT = Path(__file__).parents[2]
COMMANDS = [
    [], ["demo"], ["serve"], ["web"], ["worker"], ["beat"], ["db"], ["db", "upgrade"], ["courses"], ["courses", "check"], ["courses", "derive"],
    ["courses", "render"], ["courses", "pack"], ["courses", "add"], ["courses", "import"], ["courses", "export"], ["bounces"], ["bounces", "serve"], ["bounces", "process"], ["subscribers"], ["subscribers", "list"], ["subscribers", "show"],
    ["subscribers", "suppress"], ["subscribers", "export"], ["subscribers", "erase"], ["admin"], ["admin", "create"], ["admin", "list"], ["admin", "disable"], ["stats"], ["audit"], ["counters"], ["deliveries", "list"],
    ["deliveries", "resend"], ["sending", "status"], ["sending", "pause"], ["sending", "resume"], ["sending", "limit"], ["healthcheck"], ["pictures"], ["pictures", "move"], ["pictures", "clean"],
    ["simulate"], ["forecast"], ["doctor"], ["dkim"], ["dkim", "generate"], ["dkim", "dns"], ["bounces", "poll"],
]  # fmt: skip


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A SQLite database with one reader in it."""
    settings = make_settings(tmp_path)
    database = Database(settings.database_url)
    upgrade(database)
    runtime = make_runtime(database, settings, None)
    make_reader(runtime, "sam@x.example")
    database.close()
    return settings.database_url


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    from typer.testing import CliRunner

    from rugcourse.cli.main import app

    shown = CliRunner().invoke(app, [*command, "--help"])
    assert shown.exit_code == 0
    assert "Usage:" in shown.stdout


def test_the_version_is_the_packages_and_a_mistake_is_one_line_from_a_shell_too(tmp_path: Path) -> None:
    import rugcourse

    assert run_apart("--version").stdout.strip() == rugcourse.__version__
    answer = run_apart("serve", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: RUGCOURSE_SECRET_KEYS is not set")
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (("serve",), {}, "RUGCOURSE_SECRET_KEYS is not set"),
        (("web",), {}, "RUGCOURSE_SECRET_KEYS is not set"),
        (("worker",), {}, "RUGCOURSE_SECRET_KEYS is not set"),
        (("stats",), {}, "rugcourse db upgrade"),
        (
            ("serve",),
            {"BASE_URL": "https://cursus.praktijk.nl", "SECRET_KEYS": "a-key-for-tests-0123456789"},
            "RUGCOURSE_POSTAL_ADDRESS is made up",
        ),
        (("stats",), {"DATABASE_URL": "mysql://x/y"}, "use sqlite or postgresql"),
        (("audit",), {"DATABASE_URL": "postgresql://x@127.0.0.1:1/y"}, "can't be reached"),
        (("stats",), {"SMTP_URL": "ftp://x"}, "RUGCOURSE_SMTP_URL"),
        (("audit", "--demo", "nowhere"), {}, "there is no demo in nowhere"),
        (("demo", "--port", "99999"), {}, "--port"),
        (("nonsense",), {}, "No such command"),
    ],
)
def test_a_users_mistake_is_one_message_and_exit_code_2(
    arguments: tuple[str, ...], environment: dict[str, str], told: str, tmp_path: Path
) -> None:
    answer = run(*arguments, cwd=tmp_path, **environment)
    assert answer.returncode == 2
    assert told in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("command", ["serve", "web"])
def test_a_port_that_is_taken_is_one_clear_line(command: str, address: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = run_apart(command, DATABASE_URL=address, SECRET_KEYS="a-key-for-tests-0123456789", PORT=str(port))
    assert answer.returncode == 2
    assert f"port {port} (the web pages) can't be used" in answer.stderr
    assert f"RUGCOURSE_PORT={port + 1}" in answer.stderr


def test_lists_are_tables_or_json(address: str) -> None:
    listed = json.loads(run("subscribers", "list", "--json", DATABASE_URL=address).stdout)
    assert [one["email"] for one in listed] == ["sam@x.example"]
    assert "sam@x.example" in run("subscribers", "list", DATABASE_URL=address).stdout
    shown = json.loads(run("subscribers", "show", "SAM@x.example", "--json", DATABASE_URL=address).stdout)
    assert (shown["hour"], shown["mails"][0]["kind"]) == (8, "confirm")
    assert "next 2026" in run("subscribers", "show", "sam@x.example", DATABASE_URL=address).stdout
    figures = json.loads(run("stats", "--json", DATABASE_URL=address).stdout)
    assert figures["subscribers"] == {"active": 1}
    assert "1 active" in run("stats", DATABASE_URL=address).stdout


def test_subscribers_show_exits_with_1_when_nobody_has_the_address(address: str) -> None:
    answer = run("subscribers", "show", "kim@x.example", DATABASE_URL=address)
    assert (answer.returncode, answer.stderr) == (1, "error: nobody with the address kim@x.example\n")


def test_a_suppressed_reader_stays_so(address: str) -> None:
    keys = "a-key-for-tests-0123456789"
    assert run("subscribers", "suppress", "sam@x.example", DATABASE_URL=address, SECRET_KEYS=keys).returncode == 0
    assert '"suppressed": 1' in run("stats", "--json", DATABASE_URL=address).stdout
    assert run("subscribers", "suppress", "sam", DATABASE_URL=address, SECRET_KEYS=keys).returncode == 1


def test_books_that_do_not_balance_are_exit_code_1(address: str) -> None:
    from sqlalchemy import update

    from rugcourse.db.models import EnrolmentRow

    database = Database(address)
    with database.write() as session:
        session.execute(update(EnrolmentRow).values(lessons_planned=3))
    answer = run("audit", "--json", DATABASE_URL=address)
    assert answer.returncode == 1
    found = json.loads(answer.stdout)
    assert found["balanced"] is False
    assert "3 lessons were planned, the ledger holds 0" in found["findings"][0]


def test_lessons_are_checked_published_and_rendered(address: str, tmp_path: Path) -> None:
    checked = run("courses", "check")
    lines = checked.stdout.splitlines()
    assert checked.returncode == 0
    assert [one for one in lines if not one.startswith("    remark")] == [
        "oorzaken-van-rugpijn: 9 lessons in en, nl; no mistakes",
        "stress-en-rugpijn: 3 lessons in en, nl; no mistakes",
    ]
    assert lines.count("    remark: no expert has signed the safety notice in en, nl (`reviewed_by` is empty)") == 2
    assert sum(one.startswith("    remark") for one in lines) == 2
    assert "nothing changed" in run("courses", "import", DATABASE_URL=address).stdout
    rendered = run("courses", "render", "stress", "--out", tmp_path / "out", "--language", "nl")
    assert rendered.returncode == 0
    assert {"stress.nl.eml", "stress.nl.html", "stress.nl.txt", "stress.nl.phone.png"} <= {
        one.name for one in (tmp_path / "out").iterdir()
    }
    mail = message_from_bytes((tmp_path / "out" / "stress.nl.eml").read_bytes(), policy=policy.default)
    assert str(mail["Subject"]).endswith("(les 4)")
    missing = run("courses", "render", "none", "--out", tmp_path / "out")
    assert missing.returncode == 1
    assert "there are: welkom, overbelasting" in missing.stderr


def test_a_mistake_in_a_lesson_is_exit_code_1_with_file_and_line(tmp_path: Path) -> None:
    folder = tmp_path / "lessons" / "kort"
    folder.mkdir(parents=True)
    (folder / "course.nl.md").write_text("---\ntitle: x\nsumary: y\n---\ntekst\n")
    answer = run("courses", "check", "--dir", tmp_path / "lessons")
    assert answer.returncode == 1
    assert "course.nl.md:3: there is no field `sumary`" in answer.stderr
    problems = json.loads(run("courses", "check", "--dir", tmp_path / "lessons", "--json").stdout)
    assert {"file", "line", "message"} == set(problems[0])


def test_a_course_goes_to_another_installation_as_one_file(address: str, tmp_path: Path) -> None:
    file, there = tmp_path / "back.zip", f"sqlite:///{tmp_path / 'there.db'}"
    packed = run("courses", "pack", "stress-en-rugpijn", "--out", file, DATABASE_URL=address)
    assert (packed.returncode, packed.stdout) == (0, f"{file}\n")
    assert run("db", "upgrade", DATABASE_URL=there).returncode == 0
    added = run("courses", "add", file, "--as", "stress", DATABASE_URL=there)
    assert (added.returncode, added.stdout) == (0, "stress: 3 lessons in en, nl; added\n")
    again = run("courses", "add", file, "--as", "stress", DATABASE_URL=there)
    assert (again.returncode, again.stderr) == (2, "error: there is a course 'stress' already; choose another slug\n")
    assert run("courses", "pack", "none", DATABASE_URL=there, cwd=tmp_path).returncode == 2
    assert not (tmp_path / "none.zip").exists()


def test_what_is_no_pack_or_not_there_is_told_in_one_line(address: str, tmp_path: Path) -> None:
    (tmp_path / "large.zip").write_bytes(bytes(41_000_000))
    for name, code, said in (
        ("none.zip", 1, "No such file"),
        ("large.zip", 2, "larger than 40 MB"),
        (".", 1, "directory"),
    ):
        answer = run("courses", "add", tmp_path / name, DATABASE_URL=address)
        assert answer.returncode == code
        assert said in answer.stderr
        assert answer.stderr.count("\n") == 1


def test_a_wheel_carries_lessons_templates_and_words_and_its_demo_runs(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    [wheel] = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    port = free_port() % 60000
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "PYTHONUNBUFFERED": "1"}
    where = "import rugcourse; print(rugcourse.__file__); from rugcourse.cli import main; main()"
    demo = subprocess.Popen(
        [sys.executable, "-c", where, "demo", "--port", str(port)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert demo.stdout is not None
        lines = [demo.stdout.readline() for _ in range(5)]
        assert lines[0].startswith(str(tmp_path / "installed"))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/nl/oorzaken-van-rugpijn", timeout=20) as page:
            assert "Begrijp je rugpijn" in page.read().decode()
    finally:
        demo.terminate()
        assert demo.wait(20) == 0


def test_the_doctor_says_what_is_wrong_and_how_to_mend_it(address: str, tmp_path: Path) -> None:
    with nameserver({}) as dns:
        environment = {"DATABASE_URL": address, "SMTP_URL": "smtp://127.0.0.1:9", "DNS_SERVER": dns}
        shown = run("doctor", "--json", cwd=tmp_path, **environment)
        read = run("doctor", cwd=tmp_path, **environment).stdout
    assert shown.returncode == 1
    lines = {one["check"]: one for one in json.loads(shown.stdout)}
    assert lines["database"]["state"] == "ok"
    assert lines["smtp"]["state"] == lines["spf"]["state"] == "error"
    assert "RUGCOURSE_SMTP_URL" in lines["smtp"]["fix"]
    assert all(one["why"] and one["title"] for one in lines.values())
    assert "✗ Mail server: 127.0.0.1:9" in read
    assert re.search(r"^\d wrong$", read, re.MULTILINE)


def test_keys_are_made_once_and_turned_over(tmp_path: Path) -> None:
    environment = {"SENDER_ADDRESS": "les@praktijk.nl"}
    made = run("dkim", "generate", "2026a", cwd=tmp_path, **environment)
    assert made.returncode == 0, made.stderr
    assert "2026ar._domainkey.praktijk.nl. IN TXT (" in made.stdout
    setting = next(line for line in made.stdout.splitlines() if line.startswith("RUGCOURSE_DKIM_KEYS=")).partition("=")[
        2
    ]
    assert run("dkim", "generate", "2026a", cwd=tmp_path, **environment).returncode == 2
    turned = run("dkim", "generate", "2026b", cwd=tmp_path, DKIM_KEYS=setting, **environment).stdout
    assert f"RUGCOURSE_DKIM_KEYS=2026br=var/dkim/2026br.pem,2026be=var/dkim/2026be.pem,{setting}" in turned
    assert "After a week take 2026ar, 2026ae" in turned
    records = run("dkim", "dns", cwd=tmp_path, DKIM_KEYS=setting, **environment).stdout
    assert records.splitlines() == [line for line in made.stdout.splitlines() if "_domainkey" in line]
    assert run("dkim", "dns", cwd=tmp_path, **environment).returncode == 1


def test_a_mailbox_for_bounces_that_is_not_set_or_not_there_says_so(address: str, tmp_path: Path) -> None:
    assert "RUGCOURSE_SECRET_KEYS is not set" in run("bounces", "poll", cwd=tmp_path, DATABASE_URL=address).stderr
    own = {"DATABASE_URL": address, "SECRET_KEYS": "a-key-for-tests-0123456789"}
    assert "RUGCOURSE_BOUNCE_MAILBOX is not set" in run("bounces", "poll", cwd=tmp_path, **own).stderr
    shown = run("bounces", "poll", cwd=tmp_path, **own, BOUNCE_MAILBOX="imap://b:s@127.0.0.1:9")
    assert shown.returncode == 2
    assert "127.0.0.1:9" in shown.stderr


def test_files_written_by_commands_are_private(tmp_path: Path) -> None:
    assert run("db", "upgrade", cwd=tmp_path).returncode == 0
    assert run("dkim", "generate", cwd=tmp_path).returncode == 0
    assert run("courses", "export", "--dir", tmp_path / "lessons", cwd=tmp_path).returncode == 0
    made = [path for path in tmp_path.rglob("*") if path.parts[-1] != "lessons"]
    assert {path.name for path in made} >= {"var", "rugcourse.db", "dkim"}
    for path in made:
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_copy_is_for_its_user_alone_also_in_a_file_that_was_there(address: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    copy.touch(mode=0o644)
    assert run("subscribers", "export", "sam@x.example", "--out", copy, DATABASE_URL=address).returncode == 0
    assert json.loads(copy.read_text(encoding="utf-8"))["person"][0]["email"] == "sam@x.example"
    assert copy.stat().st_mode & 0o077 == 0


def test_an_admin_gets_one_of_the_roles_that_there_are(address: str) -> None:
    answer = run("admin", "create", "kim@x.example", "--role", "boss", DATABASE_URL=address)
    assert answer.returncode == 2
    assert "boss is none of owner, editor, analyst" in " ".join(answer.stderr.split())
