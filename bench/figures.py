"""The figures in README and docs/performance.md, made from the record of the measurements, `docs/performance.json`.

`python -m bench --docs` writes them; a test compares them with the record, so that no figure in the docs is older.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "docs" / "performance.json"
DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "performance.md")

Record = Mapping[str, Any]
Row = tuple[str, ...]
_BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def read_record() -> Record:
    record: Record = json.loads(RECORD.read_text(encoding="utf-8"))
    return record


def with_figures(text: str, record: Record) -> str:
    """Return a document with its blocks of figures as the record has them. Raises KeyError for an unknown block."""
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]](record)}{found[3]}", text)


def write_documents(record: Record) -> None:
    for file in DOCUMENTS:
        file.write_text(with_figures(file.read_text(encoding="utf-8"), record), encoding="utf-8")


def _readme(record: Record) -> str:
    pipeline, readers, pages, admin = (record[name] for name in ("pipeline", "readers", "pages", "admin"))
    claims, memory, embedded = record["claims"], record["memory"], record["embedded"]
    return _table(
        ("what", "figure"),
        (
            "the whole pipeline on PostgreSQL, two workers, to a mail server on the same cores",
            (
                f"{_middle(pipeline['ours_per_second'])} lessons a second: {pipeline['ratio']:.2f} of what Postfix's"
                f" own load generator reaches, {pipeline['times_faster_than_naive']:.0f} times the naive way"
            ),
        ),
        (
            "planning and claiming 1,000 lessons among a million enrolments, against ten thousand",
            (
                f"{claims['postgresql']['times_as_much']:.1f} times as long on PostgreSQL, "
                f"{claims['sqlite']['times_as_much']:.1f} on SQLite"
            ),
        ),
        (
            "pictures, links, questions and answers of readers, each kept before it is answered",
            (
                f"{_rate(readers['postgresql']['requests_per_second'])} a second from one web process on PostgreSQL, "
                f"{_rate(readers['sqlite']['requests_per_second'])} on SQLite"
            ),
        ),
        (
            "the slowest admin page among a million subscribers and nine million lessons",
            f"{_slowest(admin)[1]:.0f} ms (95th percentile)",
        ),
        ("starting a campaign for a million readers", f"{admin['starting_seconds']:.0f} s, in batches"),
        (
            "the slowest public page at fifty requests at once",
            f"{pages['slowest_ms']:.0f} ms; the heaviest weighs {pages['heaviest_bytes'] / 1000:.0f} kB in all",
        ),
        ("a rehearsal of the whole course for 10,000 readers", f"{record['rehearsal']['seconds']:.0f} s"),
        (
            "embedded (SQLite, one process)",
            f"{_rate(embedded['messages_per_second'])} lessons a second; peak memory {embedded['peak_memory_mb']} MB",
        ),
        (
            "after some pages: `rugcourse serve`, a worker, a web process",
            ", ".join(f"{memory['mb'][name]['rss']:.0f} MB" for name in ("serve", "worker", "web")),
        ),
        ("`rugcourse demo --empty`, installed: to the first page", f"{record['starting']['first_page_seconds']:.1f} s"),
        (
            "the first start with made-up readers, against that",
            f"{record['history']['times_as_much']:.1f} times as much to compute",
        ),
        ("Ctrl-C to the end of the demo", f"{record['starting']['ctrl_c_seconds']:.1f} s"),
    )


def _pipeline(record: Record) -> str:
    found = record["pipeline"]
    source, ours = _middle(found["smtp_source_per_second"]), _middle(found["ours_per_second"])
    late, waiting = found["same_minute"]["lateness_seconds"], found["waiting_mail_seconds"]
    signed, wanted, ratio = found["with_dkim_rsa_2048"], found["target_ratio"], found["ratio"]
    return _table(
        ("what", "target", "measured"),
        ("against `smtp-source -d -s 10`", f"{wanted}", f"**{ratio:.2f}**: {ours} against {source} a second"),
        ("the same, each message signed (DKIM, RSA-2048)", f"{signed['target_ratio']}", f"**{signed['ratio']:.2f}**"),
        (
            "against the naive way: per reader MJML, Jinja, EmailMessage, a new connection and a commit",
            f"{found['target_times_faster']} ×",
            f"**{found['times_faster_than_naive']:.0f} ×**",
        ),
        (
            f"{_rate(found['same_minute']['due'])} due in the same minute: accepted after", "–",
            f"p50 {late['p50']} s, p99 {late['p99']} s, at most {late['max']} s",
        ),
        (
            "a mail that somebody waits for, meanwhile", f"{waiting['target_max']} s",
            f"p50 {waiting['p50']} s, at most {waiting['max']} s",
        ),
        ("a worker's highest memory", f"{found['memory_mb']['target_max']} MB", f"{found['memory_mb']['max']} MB"),
    )  # fmt: skip


def _claims(record: Record) -> str:
    found = record["claims"]
    return _table(
        ("database", "among 10,000", "among 1,000,000", "target", "measured"),
        *(
            (
                name, f"{one['among_10000_ms']:.0f} ms", f"{one['among_1000000_ms']:.0f} ms",
                f"{found['target_times']} ×", f"**{one['times_as_much']:.1f} ×**",
            )
            for name, one in _databases(found)
        ),
    )  # fmt: skip


def _ticks(record: Record) -> str:
    found = record["ticks"]
    return _table(
        ("database", "without them", "with them", "target"),
        *(
            (name, f"{one['with_none_ms']:.1f} ms", f"**{one['with_all_ms']:.1f} ms**", f"{found['target_ms']} ms")
            for name, one in _databases(found)
        ),
    )


def _search(record: Record) -> str:
    found = record["search"]
    return _table(
        ("database", "median", "95th percentile", "longest", "target (95th)"),
        *(
            (
                name, f"{one['median_ms']:.1f} ms", f"**{one['p95_ms']:.1f} ms**", f"{one['longest_ms']:.1f} ms",
                f"{found['target_ms']} ms",
            )
            for name, one in _databases(found)
        ),
    )  # fmt: skip


def _readers(record: Record) -> str:
    found = record["readers"]
    both = [one for _, one in _databases(found)]
    return _table(
        ("what", "target", "PostgreSQL", "SQLite"),
        (
            "requests a second, as fast as it goes", _rate(found["target_per_second"]),
            *(f"**{_rate(one['requests_per_second'])}**" for one in both),
        ),
        *(
            (f"at the target: {kind}, p50, p99", "–", *(_spread(one["milliseconds_at_target"][kind]) for one in both))
            for kind in both[0]["milliseconds_at_target"]
        ),
        ("the web process's memory", "–", *(f"{one['web_process_mb']} MB" for one in both)),
    )  # fmt: skip


def _pages(record: Record) -> str:
    found = record["pages"]
    return _table(
        ("public pages, fifty requests at once, PostgreSQL", "target", "measured"),
        ("the slowest answer of the slowest page", f"{found['target_ms']:.0f} ms", f"**{found['slowest_ms']:.0f} ms**"),
        (
            "the heaviest page with all its files", f"{found['target_bytes'] / 1000:.0f} kB",
            f"**{found['heaviest_bytes'] / 1000:.0f} kB**",
        ),
    )  # fmt: skip


def _admin(record: Record) -> str:
    found = record["admin"]
    page, slowest = _slowest(found)
    counts = [seconds for seconds in found["audience_count_seconds"].values() if isinstance(seconds, int | float)]
    return _table(
        ("what", "target", "measured"),
        ("the slowest page, 95th percentile", f"{found['target_ms']} ms", f"**{slowest:.0f} ms** ({page})"),
        (
            "counting an audience: everybody, a language, in the middle of a course, never followed it, silent", "1 s",
            f"**{min(counts):.2f} to {max(counts):.2f} s**",
        ),
        (
            "working out the forecast and the learning gain, in the background", "–",
            f"**{found['figures_seconds']:.1f} s**",
        ),
        ("at which domains too many complain, in the background", "–", f"{found['reputation_seconds']:.1f} s"),
        (
            "starting a campaign for a million readers until all are enrolled", "–",
            f"**{found['starting_seconds']:.0f} s**, in batches that can be killed",
        ),
    )  # fmt: skip


def _others(record: Record) -> str:
    rendering, signing, rehearsal = record["rendering"], record["signing"], record["rehearsal"]
    embedded, starting = record["embedded"], record["starting"]
    return _table(
        ("what", "command", "target", "measured"),
        (
            f"`simulate` 10,000 readers for 12 days: {_rate(rehearsal['mails'])} mails, books balanced",
            "`ARGS=rehearsal`", f"{rehearsal['target_seconds']} s", f"**{rehearsal['seconds']:.0f} s**",
        ),
        (
            "render and assembly of a lesson for one reader, 8-bit, against doing it anew", "`ARGS=rendering`",
            f"{rendering['target_times_faster']} ×",
            f"**{rendering['times_faster_8bit']:.0f} ×** ({rendering['ours_8bit_ms']:.2f} ms)",
        ),
        (
            "the same, quoted-printable", "", "–",
            f"{rendering['times_faster_quoted_printable']:.0f} × ({rendering['ours_quoted_printable_ms']:.2f} ms)",
        ),
        (
            "a DKIM signature, RSA-2048; with Ed25519 beside it; the bare RSA signature", "`ARGS=signing`",
            f"{signing['target_rsa_ms']} ms",
            f"**{signing['rsa_2048_ms']:.2f} ms**; {signing['with_ed25519_ms']:.2f}; {signing['bare_rsa_ms']:.2f}",
        ),
        ("reading mail that came back", "`ARGS=bounces`", "–", f"{_rate(record['bounces']['per_second'])} a second"),
        (
            f"embedded on SQLite, all in one process: {_rate(embedded['due'])} due lessons", "`ARGS=embedded`", "–",
            f"{_rate(embedded['messages_per_second'])} a second",
        ),
        ("its peak memory", "", "250 MB", f"**{embedded['peak_memory_mb']} MB**"),
        (
            "`rugcourse demo --empty`, installed, to the first page", "`ARGS=starting`", "2.5 s",
            f"**{starting['first_page_seconds']:.1f} s**",
        ),
        ("Ctrl-C to the end of it", "", "2 s", f"{starting['ctrl_c_seconds']:.1f} s"),
        (
            "what the first start computes with 80 made-up readers and six weeks of history, against `--empty`",
            "`ARGS=history`", "2.7 ×", f"**{record['history']['times_as_much']:.1f} ×**",
        ),
    )  # fmt: skip


def _memory(record: Record) -> str:
    found = record["memory"]
    return _table(
        ("process", "target, RSS", "RSS", "PSS"),
        *(
            (
                f"`{name}`",
                f"{target} MB",
                f"**{found['mb'][name]['rss']:.0f} MB**",
                f"{found['mb'][name]['pss']:.0f} MB",
            )
            for name, target in found["target_rss_mb"].items()
        ),
    )


BLOCKS: dict[str, Callable[[Record], str]] = {
    "readme": _readme,
    "pipeline": _pipeline,
    "claims": _claims,
    "ticks": _ticks,
    "search": _search,
    "readers": _readers,
    "pages": _pages,
    "admin": _admin,
    "others": _others,
    "memory": _memory,
}


def _table(*rows: Row) -> str:
    """Return a Markdown table; the first row is its head."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]]) + "\n"


def _databases(found: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [("PostgreSQL", found["postgresql"]), ("SQLite", found["sqlite"])]


def _slowest(found: Mapping[str, Any]) -> tuple[str, float]:
    page = max(found["milliseconds"], key=lambda name: float(found["milliseconds"][name]["p95"]))
    return page, found["milliseconds"][page]["p95"]


def _spread(one: Mapping[str, float]) -> str:
    return f"{one['p50']:.0f} ms, {one['p99']:.0f} ms"


def _rate(number: float) -> str:
    return f"{round(number):,}"


def _middle(rates: Sequence[float | None]) -> str:
    return _rate(statistics.median(one for one in rates if one is not None))
