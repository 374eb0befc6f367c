"""What a process does not need it does not load: each of these modules takes some MB, or time of every start."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# Loaded when they are needed: for books, passkeys and codes, migrations, bounces, DNS, new passwords, articles.
_RARELY = {"typst", "webauthn", "cryptography", "alembic", "flufl", "dns", "zxcvbn", "PIL", "lxml", "imaplib"}
_RARELY |= {"mammoth", "odfdo", "bs4", "markdownify", "nh3"}
_SERVERS = {"psycopg", "redis"}
_WEB = {"fastapi", "starlette", "uvicorn", "aiosmtpd", "webauthn", "limits", "segno"}
_CELERY = {"celery", "kombu", "amqp", "billiard"}

_OPEN = """
import tempfile
from rugcourse.bootstrap import open_runtime
from rugcourse.settings import load_settings
folder = tempfile.mkdtemp()
url = f"sqlite:///{folder}/test.db"
settings = load_settings(database_url=url, data_dir=folder, secret_keys=("k" * 16,), broker_url="memory://")
runtime = open_runtime(settings)
"""
_HELP = """
import contextlib, io, sys
from rugcourse.cli import main
sys.argv = ["rugcourse", "--help"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main()
"""
_DERIVE = """
import contextlib, io, sys, tempfile
from pathlib import Path
from rugcourse.cli import main
folder = Path(tempfile.mkdtemp())
(folder / "article.md").write_text("# Sleep\\n\\n## Night\\n\\n" + "Sleep is rest. " * 40)
sys.argv = ["rugcourse", "courses", "derive", str(folder / "article.md"), "--out", str(folder / "new"), "--language", "en"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main()
assert list((folder / "new").glob("*.md"))
"""
_WEB_PAGES = """
from rugcourse.cli import context
from rugcourse.web import server
from rugcourse.web.app import create_app
from rugcourse.web.rendering import preload_templates
create_app(runtime)
preload_templates()
"""
_WORKER = """
from rugcourse.cli import context
from rugcourse.worker import processes
from rugcourse.worker.celery_app import create_app
create_app(settings)
"""
_SERVE = """
from rugcourse.web.app import create_app
from rugcourse.worker import embedded
create_app(runtime)
"""
STARTS = {
    "help": (_HELP, _RARELY | _SERVERS | _WEB | _CELERY | {"jinja2", "mjml", "argon2", "sqlalchemy", "pydantic"}),
    "derive": (_DERIVE, _SERVERS | _WEB | _CELERY | {"jinja2", "mjml", "argon2", "sqlalchemy", "mammoth", "odfdo"}),
    "commands that open the database": ("import rugcourse.cli.context", _RARELY | _SERVERS | _WEB | _CELERY),
    "web": (_OPEN + _WEB_PAGES, _RARELY | _SERVERS | _CELERY),
    "worker": (_OPEN + _WORKER, _RARELY | _SERVERS | _WEB),
    "web pages, worker and beat in one": (_OPEN + _SERVE, _RARELY | _SERVERS),
}


def loaded_by(code: str) -> set[str]:
    """The packages that a new process has loaded after it ran some code."""
    ending = "\nimport json, sys; print(json.dumps(sorted({one.partition('.')[0] for one in sys.modules})))"
    run = subprocess.run([sys.executable, "-c", code + ending], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stdout.splitlines()[-1]))


@pytest.mark.parametrize(("code", "heavy"), STARTS.values(), ids=STARTS)
def test_a_start_loads_nothing_that_it_does_not_need(code: str, heavy: set[str]) -> None:
    assert loaded_by(code) & heavy == set()


@pytest.mark.parametrize("module", sorted(_RARELY - {"PIL", "lxml"} | _SERVERS | _WEB | _CELERY))
def test_each_of_them_would_be_noticed(module: str) -> None:
    """Under these names they are imported; a name that is written wrong would never be found."""
    assert module in loaded_by(f"import {module}")


def test_passkeys_and_codes_load_what_they_need() -> None:
    code = _OPEN + "from rugcourse.secret_box import SecretBox; SecretBox(settings.secret_keys)"
    assert "cryptography" in loaded_by(code)
