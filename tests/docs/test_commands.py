"""Everything that README.md and docs/ tell a reader to type is typed here.

`EXAMPLES` says how: in full where the page leaves a word open, and shorter where it would take minutes. A command that
stands in only one of the two, pages or table, is a failure. What a command does is tested elsewhere; here it has to be
there, to be called like that, and to end as the table says.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.support.articles import docx, heading, paragraph
from tests.support.builders import mails_to, make_reader, make_runtime, make_settings, ref, send_all
from tests.support.commands import run
from tests.support.documented_commands import PAGES, ROOT, commands_in, documented, settings_in
from tests.support.pictures import png
from tests.support.servers import HOST, free_port, free_ports
from tests.support.smtp_sink import Sink

from rugcourse.bootstrap import open_dispatcher
from rugcourse.clock import VirtualClock
from rugcourse.db.engine import Database
from rugcourse.db.migrate import upgrade
from rugcourse.db.models import DeliveryRow, DeliveryState
from rugcourse.settings import Settings

BIN = ROOT / ".venv" / "bin"
_READY_SECONDS = 90.0

Ready = Callable[["Prepared"], bool]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A folder in which a course runs: `.env`, a SQLite database with readers, and what the examples stand for."""

    folder: Path
    values: dict[str, str]

    def filled_in(self, words: str) -> str:
        return words.format(**self.values)

    def run(self, words: str, **settings: str) -> tuple[int, str]:
        """`rugcourse <words>`: the exit code, and what it said."""
        answer = run(*shlex.split(self.filled_in(words)), cwd=self.folder, **settings)
        return answer.returncode, answer.stdout + answer.stderr

    def answers(self, port: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.values[port]}/nl", timeout=10) as page:
                return bool(page.status == 200)
        except OSError:
            return False

    def listens(self, port: str) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((HOST, int(self.values[port]))) == 0

    def lives(self, kind: str) -> bool:
        return self.run(f"healthcheck {kind}")[0] == 0


@dataclass(frozen=True, slots=True)
class Example:
    """How a documented command is run. `{names}` stand for values of `PreparedEmail`.

    `instead`: the words to type, where the page leaves some open. `before`: a command that it needs. `says`: in its
    output. `ready`: it runs until it is stopped, and this tells when it may be.
    """

    instead: str = ""
    code: int = 0
    says: str = ""
    before: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    ready: Ready | None = None


_DEMO = "--port {demo_port} --dir var/demo"
_LISTEN = Example("bounces serve --port {bounces_port} --lmtp", ready=lambda one: one.listens("bounces_port"))
_SERVE = Example(ready=lambda one: one.answers("port"))
# A database of its own: other commands of this folder find their pictures in theirs.
_IN_FOLDER = {"PICTURE_STORAGE": "{pictures}", "DATABASE_URL": "sqlite:///pictures.db"}
_RESTORED = {"DATABASE_URL": "sqlite:///restored.db", "DATA_DIR": "restored"}

EXAMPLES = {
    "rugcourse admin create": Example("admin create kim@x.example", says="/admin/invite/"),
    "rugcourse admin disable": Example(
        "admin disable lee@x.example", before="admin create lee@x.example --role editor", says="disabled"
    ),
    "rugcourse admin list": Example(),
    "rugcourse api token create kim@example.org --name website --scope subscribers:write --days 365": Example(
        before="admin create kim@example.org", code=2, says="No admin who can log in"
    ),
    "rugcourse api token list": Example(says="token"),
    "rugcourse api token revoke": Example("api token revoke 1", code=2, says="There is no token"),
    "rugcourse audit": Example(says="the books balance"),
    "rugcourse audit --demo var/demo": Example(says="the books balance"),
    "rugcourse backup": Example("backup a-backup.zip", says="Not in it"),
    "rugcourse backup /srv/backups/rugcourse.zip": Example("backup backup.zip", says="Not in it"),
    "rugcourse restore /srv/backups/rugcourse.zip": Example(
        "restore prepared.zip", settings=_RESTORED, says="the books balance"
    ),
    "rugcourse beat": Example(ready=lambda one: one.lives("beat")),
    # Nobody answers in the mailbox that the folder's settings name; tests/bounces speaks with a real one.
    "rugcourse bounces poll": Example(code=2, says="127.0.0.1:9"),
    "rugcourse bounces serve": _LISTEN,
    "rugcourse bounces serve --port 2525 --lmtp": _LISTEN,
    "rugcourse bounces process": Example("bounces process nobody@x.example < message", code=1, says="unmatched"),
    "rugcourse bounces process bounces+token@example.org < message": Example(
        "bounces process {return_path} < message", says="hard 5.1.1 suppressed"
    ),
    "rugcourse db upgrade": Example(says="up to date"),
    "rugcourse deliveries list": Example(says="unsure@x.example"),
    "rugcourse deliveries resend": Example("deliveries resend --all", says="1 planned again"),
    "rugcourse demo --empty": Example(f"demo --empty {_DEMO}", ready=lambda one: one.answers("demo_port")),
    "rugcourse dkim generate": Example(says="RUGCOURSE_DKIM_KEYS="),
    "rugcourse dkim dns": Example(
        before="dkim generate 2026a --dir .", settings={"DKIM_KEYS": "2026ar=2026ar.pem"}, says="_domainkey"
    ),
    "rugcourse doctor": Example(code=1, says="wrong"),
    "rugcourse forecast": Example(says="date (UTC)"),
    "rugcourse forecast --who": Example(says="sam@x.example"),
    "rugcourse courses add course.zip": Example(
        "courses add course.zip --as other", before="courses pack oorzaken-van-rugpijn --out course.zip", says="added"
    ),
    "rugcourse courses check": Example(says="9 lessons"),
    "rugcourse courses derive article.docx --out drafts": Example(says="3 lessons"),
    "rugcourse courses derive article.docx --out drafts --language nl": Example(
        "courses derive article.docx --out more-drafts --language nl", says="still to write: preheader"
    ),
    "rugcourse courses export": Example("courses export --dir lessons"),
    "rugcourse courses import": Example(says="9 lessons"),
    "rugcourse courses pack oorzaken-van-rugpijn --out course.zip": Example(says="course.zip"),
    "rugcourse courses picture photo.jpg --out lessons/back-pain/pictures": Example(
        "courses picture photo.png --out made/pictures", says="60 × 40 pixels"
    ),
    "rugcourse courses render welkom --out preview": Example(says="welkom.nl.html"),
    "rugcourse privacy breach": Example(says="72 uur"),
    "rugcourse privacy dpia": Example(says="artikel 35"),
    "rugcourse privacy notice": Example(says="uitdrukkelijke toestemming"),
    "rugcourse privacy notice --language en": Example(says="explicit consent"),
    "rugcourse privacy record": Example(says="former_address"),
    "rugcourse sending resume": Example(before="sending pause", says="goes on"),
    "rugcourse sending resume --campaign 3": Example(before="sending pause --campaign 3", says="goes on"),
    "rugcourse sending pause": Example("sending pause --domain x.example", says="is held"),
    "rugcourse sending status": Example(says="processes"),
    "rugcourse serve": _SERVE,
    "rugcourse simulate --subscribers 1000": Example("simulate --subscribers 20 --days 2", says="the books balance"),
    "rugcourse stats": Example(says="subscribers"),
    "rugcourse pictures clean": Example(before="db upgrade", settings=_IN_FOLDER, says="0 files"),
    "rugcourse pictures move": Example(before="db upgrade", settings=_IN_FOLDER, says="files moved to"),
    "rugcourse pictures move --from /srv/old": Example(
        "pictures move --from {old_pictures}", before="db upgrade", settings=_IN_FOLDER, says="files moved to"
    ),
    "rugcourse pictures move --to /srv/pictures": Example(
        "pictures move --to {old_pictures}", before="db upgrade", settings=_IN_FOLDER, says="files moved to"
    ),
    "rugcourse pictures move --to database": Example(
        before="db upgrade", settings=_IN_FOLDER, says="files moved to the database"
    ),
    "rugcourse subscribers erase": Example("subscribers erase old@x.example --yes", says="erased"),
    "rugcourse subscribers erase sam@x.example": Example("subscribers erase asks@x.example --yes", says="erased"),
    "rugcourse subscribers export": Example("subscribers export sam@x.example", says="sam@x.example"),
    "rugcourse subscribers export sam@x.example": Example(says="about_this_copy"),
    "rugcourse subscribers list": Example(says="sam@x.example"),
    "rugcourse subscribers show": Example("subscribers show sam@x.example", says="Sam Reader"),
    "rugcourse subscribers unsubscribe": Example("subscribers unsubscribe stops@x.example", says="unsubscribed"),
    "rugcourse subscribers unsubscribe sam@x.example": Example("subscribers unsubscribe stops@x.example", says="unsub"),
    "rugcourse subscribers suppress": Example("subscribers suppress out@x.example", says="suppressed"),
    "rugcourse web": Example(ready=lambda one: one.answers("port")),
    "rugcourse worker": Example(ready=lambda one: one.lives("worker")),
}


_MINUTES = (
    "admin",
    "bounces",
    "claims",
    "ticks",
    "embedded",
    "history",
    "memory",
    "pipeline",
    "readers pages",
    "rehearsal",
    "rendering",
    "search",
    "starting",
)
# `bench` looks at all names before it measures, and says which is the first that it does not know.
_MEASUREMENT = Example(
    f'bench ARGS="{" ".join(_MINUTES)} nothing-more"', code=2, says="there is no measurement nothing-more"
)


def _quoted(names: str) -> str:
    return f'"{names}"' if " " in names else names


_SIGNING = Example("bench ARGS=signing", says='"signing"')
_RUNNING_DEMO = Example(f'demo ARGS="{_DEMO}"', ready=lambda one: one.answers("demo_port"))

TARGETS = {
    "make bench": _SIGNING,
    "make bench ARGS=signing": _SIGNING,
    "make bench ARGS=--docs": Example(code=2, says="not measured yet: rendering"),
    **{f"make bench ARGS={_quoted(names)}": _MEASUREMENT for names in _MINUTES},
    "make check": Example(says="no mistakes"),
    "make clean": Example(),
    "make demo": _RUNNING_DEMO,
    "make demo ARGS=--empty": Example(f'demo ARGS="--empty {_DEMO}"', ready=_RUNNING_DEMO.ready),
    'make demo ARGS="--day 20"': Example(f'demo ARGS="--day 20 {_DEMO}"', ready=_RUNNING_DEMO.ready),
    "make drill": Example('drill MODEL_MINUTES=0 ARGS="--collect-only -q"', says="test_killed_worker.py"),
    "make drill MODEL_MINUTES=60": Example('drill MODEL_MINUTES=0 ARGS="--collect-only -q"', says="model: "),
    "make help": Example(says="make demo"),
    "make lock": Example(),
    "make messages": Example(says="locales/nl.po: 0 added, 0 removed"),
    "make messages ARGS=--check": Example(says="all translated"),
    "make mutants": Example('mutants ARGS="scheduling.timezones --limit 2"', says="2 of 2 noticed in 1 modules"),
    "make screenshots": Example(says="lesson-editor.png"),
    "make stack": Example(
        'stack ARGS="--port {stack_port} --dir var/stack"', ready=lambda one: one.answers("stack_port")
    ),
    # All of them would be this test again.
    "make test": Example('test ARGS="tests/test_links.py -n 0"', says="passed"),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    folder = tmp_path_factory.mktemp("course")
    port, demo_port, stack_port, bounces_port = free_port(), free_ports(3), free_ports(3), free_port()
    with Sink() as sink:
        settings = {
            "SECRET_KEYS": "a-key-for-tests-0123456789",
            "BASE_URL": f"http://{HOST}:{port}",
            "PORT": port,
            "SMTP_URL": sink.url,
            "DNS_SERVER": f"{HOST}:9",
            "BOUNCE_ADDRESS": "bounces@x.example",
            "BOUNCE_MAILBOX": f"imap://bounces:secret@{HOST}:9",
        }
        (folder / ".env").write_text("".join(f"RUGCOURSE_{name}={value}\n" for name, value in settings.items()))
        return_path = _fill(folder, sink)
        assert run("backup", "prepared.zip", cwd=folder).returncode == 0
        places = {name: str(folder / name) for name in ("pictures", "old_pictures")}
        for place in places.values():
            Path(place).mkdir()
        ports = {"port": port, "demo_port": demo_port, "stack_port": stack_port, "bounces_port": bounces_port}
        yield Prepared(
            folder, {**{name: str(one) for name, one in ports.items()}, "return_path": return_path, **places}
        )


def _fill(folder: Path, sink: Sink) -> str:
    """Readers, a mail that nobody is sure about and one that came back; returns where the latter came back to."""
    database = Database(f"sqlite:///{folder / 'var' / 'rugcourse.db'}")
    upgrade(database)
    runtime = make_runtime(database, make_settings(folder, sink.url), VirtualClock(datetime.now(UTC)))
    for name in ("sam", "old", "asks", "stops", "unsure", "gone"):
        make_reader(runtime, f"{name}@x.example")
    dispatcher = open_dispatcher(runtime)
    send_all(dispatcher)
    dispatcher.close()
    unsure, gone = (mails_to(runtime, f"{name}@x.example")[0].id for name in ("unsure", "gone"))
    with database.write() as session:
        session.execute(update(DeliveryRow).where(DeliveryRow.id == unsure).values(state=DeliveryState.UNKNOWN))
    (folder / "message").write_bytes(BOUNCE)
    sections = (part for title in ("One", "Two", "Three") for part in (heading(title), paragraph("Some words. " * 50)))
    (folder / "photo.png").write_bytes(png())
    (folder / "article.docx").write_bytes(docx(paragraph("An article", style="Titel"), *sections))
    database.close()
    return runtime.links.return_path(ref(runtime, gone), "bounces@x.example")


BOUNCE = b"""From: mailer-daemon@mx.x.example
Subject: Undelivered Mail
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.x.example

Final-Recipient: rfc822; gone@x.example
Action: failed
Status: 5.1.1

--b--
"""


def test_every_documented_command_is_run_here_and_nothing_else_is() -> None:
    assert set(documented()) == {*EXAMPLES, *TARGETS}


@pytest.mark.parametrize("command", EXAMPLES)
def test_a_command_does_what_the_docs_name_it_for(command: str, prepared: Prepared) -> None:
    example = EXAMPLES[command]
    settings = {name: prepared.filled_in(value) for name, value in example.settings.items()}
    words = example.instead or command.removeprefix("rugcourse ")
    if "--demo" in words:
        _run_until_stopped(f"demo {_DEMO}", prepared, lambda one: one.answers("demo_port"))
    if example.before:
        assert prepared.run(example.before, **settings)[0] == 0
    if example.ready is not None:
        assert _run_until_stopped(words, prepared, example.ready) == 0
        return
    code, said = _typed(words, prepared) if "<" in words else prepared.run(words, **settings)
    assert (code, example.says in said) == (example.code, True), said


def _typed(words: str, prepared: Prepared) -> tuple[int, str]:
    """As at a shell, which knows what `<` is."""
    done = subprocess.run(
        ["sh", "-c", f"rugcourse {prepared.filled_in(words)}"],
        check=False, cwd=prepared.folder, env=_with_our_programs(), capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def _run_until_stopped(words: str, prepared: Prepared, ready: Ready) -> int:
    command = [BIN / "rugcourse", *shlex.split(prepared.filled_in(words))]
    return _stop_when_ready(command, prepared.folder, prepared, ready)


def _stop_when_ready(command: list[str | Path], cwd: Path, prepared: Prepared, ready: Ready) -> int:
    """Start it as a terminal does, press Ctrl-C when it is ready, and return the exit code."""
    with (prepared.folder / "log").open("w+b") as log:
        process = subprocess.Popen(
            command, cwd=cwd, env=_with_our_programs(), stdout=log, stderr=log, start_new_session=True
        )
        try:
            end = time.monotonic() + _READY_SECONDS
            while not ready(prepared):
                assert process.poll() is None, (prepared.folder / "log").read_text()
                assert time.monotonic() < end, (prepared.folder / "log").read_text()
                time.sleep(0.1)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            code = process.wait(60)
    assert "Traceback" not in (prepared.folder / "log").read_text()
    return code


def _with_our_programs() -> dict[str, str]:
    return {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project, so that targets write, and delete, nothing in the one that is worked on."""
    copy = tmp_path / "checkout"
    left_out = (".git", ".venv", ".tools", "var", "secrets", ".env", "dist", "build", ".hypothesis", "__pycache__")
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*left_out))
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


@pytest.mark.parametrize("command", TARGETS)
def test_a_target_does_what_the_docs_name_it_for(command: str, checkout: Path, prepared: Prepared) -> None:
    example = TARGETS[command]
    # `-o`: what is set up stays as it is; it belongs to the checkout that runs this test.
    make = ["make", "-o", ".venv/.ready-run", "-o", ".venv/.ready-dev"]
    words = shlex.split(prepared.filled_in(example.instead or command.removeprefix("make ")))
    if example.ready is not None:
        # make ends by the signal itself, when what it ran has ended well
        assert _stop_when_ready([*make, *words], checkout, prepared, example.ready) in {0, -signal.SIGINT}
        return
    code, said = _made((*make, *words), checkout)
    assert (code, example.says in said) == (example.code, True), said


_results: dict[tuple[str, ...], tuple[int, str]] = {}


def _made(command: tuple[str, ...], checkout: Path) -> tuple[int, str]:
    """What a command ended with and said; those that are the same are run once."""
    if command not in _results:
        done = subprocess.run(command, check=False, cwd=checkout, capture_output=True, text=True)
        _results[command] = done.returncode, done.stdout + done.stderr
    return _results[command]


def test_every_target_is_in_the_help_and_in_the_docs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    [phony] = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    helped = set(re.findall(r'@echo "make (\w+)', makefile))
    assert set(phony.split()) - {"help"} == helped
    assert {command.split()[1] for command in documented() if command.startswith("make ")} == set(phony.split())


def test_every_setting_that_is_named_exists() -> None:
    ours = {f"RUGCOURSE_{name.upper()}" for name in Settings.model_fields}
    for page in (*PAGES, ROOT / ".env.example"):
        assert settings_in(page.read_text(encoding="utf-8")) <= ours, page.name


def test_every_setting_stands_in_the_example_file_with_its_default() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    lines = dict(re.findall(r"^# (RUGCOURSE_[A-Z_]+)=(.*)$", text, re.MULTILINE))
    assert set(lines) == {f"RUGCOURSE_{name.upper()}" for name in Settings.model_fields}


def test_short_forms_are_written_out() -> None:
    page = "Run `rugcourse web`, `worker` and `beat`, or\n\n```sh\nmake demo    # all\n```\n| `rugcourse a b`, `--c` |"
    assert commands_in(page) == ["make demo", "rugcourse web", "rugcourse worker", "rugcourse beat", "rugcourse a b", "rugcourse a b --c"]  # fmt: skip
