"""Settings that an owner saves reach two web processes and a worker that run already."""

from __future__ import annotations

import io
import re
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from tests.fault_injection.tally import wait_until
from tests.support.builders import COURSE, make_pending, make_runtime, make_settings
from tests.support.servers import HOST, free_port
from tests.support.smtp_sink import Sink
from tests.support.stack import Stack, environment

from rugcourse.clock import SystemClock
from rugcourse.db.engine import Database
from rugcourse.email_preview.sample import parts_of
from rugcourse.picture_library import storing
from rugcourse.site_settings import SiteSettings, store
from rugcourse.site_settings.model import EmailWordsChosen


def page(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def answers(port: int) -> bool:
    try:
        return bool(page(port, "/health/ready"))
    except OSError:
        return False


def logo() -> io.BytesIO:
    written = io.BytesIO()
    Image.new("RGBA", (480, 60), (255, 255, 255, 0)).save(written, "PNG")
    written.seek(0)
    return written


def shows(port: int, css: str) -> Callable[[], bool]:
    """Whether a process shows the new name, logo and style sheet."""

    def is_shown() -> bool:
        found = page(port, f"/nl/{COURSE}")
        sheet = re.search(r'href="(/static/[0-9a-f]+/style\.css)"', found)
        assert sheet
        return 'alt="Haven"' in found and css in page(port, sheet[1])

    return is_shown


def test_two_web_processes_and_a_worker_have_them_without_a_restart(
    empty_postgres: Database, postgres_url: str, redis_url: str, sink: Sink, tmp_path: Path
) -> None:
    ports = [free_port(), free_port()]
    settings = make_settings(tmp_path, sink.url, database_url=postgres_url)
    runtime = make_runtime(empty_postgres, settings, SystemClock())  # type: ignore[arg-type]
    variables = environment(postgres_url, redis_url, sink.url, tmp_path / "data", tick_seconds=0.5)
    with Stack(variables, tmp_path / "log") as stack:
        for port in ports:
            stack.start("web", port=port)
        stack.start("worker")
        stack.start("beat")
        make_pending(runtime, "before@x.example")
        wait_until(lambda: all(answers(port) for port in ports) and bool(sink.to("before@x.example")))
        picture = storing.upload(runtime.database, runtime.clock, logo(), "logo.png", None)
        chosen = SiteSettings(
            practice="Haven", accent="#1b2a5b", logo=picture.address, logo_background="accent",
            email_words={"confirm": {"nl": EmailWordsChosen(opening="Nog een klik, dan beginnen we.")}},
        )  # fmt: skip
        runtime.database.run(store.save, runtime.clock.now(), None, chosen, 0)
        for port in ports:
            wait_until(shows(port, "--accent: #1b2a5b;"))
        time.sleep(1.0)  # within which the worker looks, as docs/your-own-look.md says
        make_pending(runtime, "after@x.example")
        wait_until(lambda: bool(sink.to("after@x.example")))
    before, after = (sink.to(f"{name}@x.example")[-1].raw for name in ("before", "after"))
    assert b"From: Haven <" in after
    assert b"From: Haven <" not in before
    html = " ".join(parts_of(after)[0].split())  # without the folds of long lines
    assert "Nog een klik, dan beginnen we." in html
    assert 'alt="Haven"' in html
    assert "#1b2a5b" in html
