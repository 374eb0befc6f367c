"""Checks e-books with the programs that decide what is valid: veraPDF (PDF/UA-1, ISO 14289-1) and EPUBCheck (EPUB 3.3).

Both run on Java and come from Maven Central, at the versions below, into `var/checkers`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "var" / "checkers"
_EPUBCHECK_POM = Path(__file__).with_name("epubcheck-pom.xml")
_VERAPDF = "org.verapdf.apps:greenfield-apps:1.28.1"
_MAIN = {"verapdf": "org.verapdf.apps.GreenfieldCliWrapper", "epubcheck": "com.adobe.epubcheck.tool.Checker"}
NAMES = tuple(_MAIN)
_QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # half the time, for programs that run for seconds
_LONGEST_SECONDS = 300


def is_fetched(name: str) -> bool:
    return any((_FOLDER / name).glob("*.jar"))


def fetching() -> list[list[str]]:
    """The commands that fetch what is not here yet; none without Maven."""
    maven = shutil.which("mvn")
    if maven is None:
        return []
    start = [maven, "-B", "-q"]
    commands = {
        "verapdf": [*start, "dependency:copy", f"-Dartifact={_VERAPDF}"],  # it has all that it needs in one file
        "epubcheck": [*start, "-f", str(_EPUBCHECK_POM), "dependency:copy-dependencies"],
    }
    return [[*made, f"-DoutputDirectory={_FOLDER / name}"] for name, made in commands.items() if not is_fetched(name)]


def pdf_problems(pdfs: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Return for each PDF the rules of PDF/UA-1 that it breaks. One start of Java checks them all."""
    with tempfile.TemporaryDirectory() as folder:
        for name, pdf in pdfs.items():
            (Path(folder) / name).write_bytes(pdf)
        said = _run("verapdf", "--flavour", "ua1", "--format", "json", folder)
        jobs = json.loads(said)["report"]["jobs"]
    found = {Path(job["itemDetails"]["name"]).name: _broken_rules(job) for job in jobs}
    return {name: found.get(name, ["it was not checked"]) for name in pdfs}


def epub_problems(epub: bytes) -> list[str]:
    """Return what EPUBCheck has against an EPUB: errors, warnings and advice on usage alike."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "book.epub"
        file.write_bytes(epub)
        said = json.loads(_run("epubcheck", str(file), "--json", "-", "--quiet"))
    return [f"{one['ID']} {one['severity']}: {one['message']}" for one in said["messages"]]


def _broken_rules(job: Mapping[str, object]) -> list[str]:
    results = job.get("validationResult")
    if not isinstance(results, list):
        return [str(job)]
    return [
        f"{rule['clause']}-{rule['testNumber']}: {rule['description']}"
        for result in results
        if not result["compliant"]
        for rule in result["details"]["ruleSummaries"]
    ]


def _run(name: str, *arguments: str) -> str:
    command = ["java", *_QUICK_START, "-cp", str(_FOLDER / name / "*"), _MAIN[name], *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_LONGEST_SECONDS)
    if not done.stdout.strip():
        raise AssertionError(f"{name} said nothing: {done.stderr[-500:]}")
    return done.stdout
