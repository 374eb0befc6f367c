"""Draws the pictures of the shipped courses: `python -m tools.lesson_pictures`.

Each is a template of typst in `tools/drawings`, in the colours of `templates/design.toml`, with words in each language:
`balance-nl.png` and `balance-en.png` in the folder `pictures` of its course.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typst

from rugcourse.pictures.file_check import check_file
from tools.png import packed_flat

ROOT = Path(__file__).resolve().parent.parent
DRAWINGS = ROOT / "tools" / "drawings"
MAX_BYTES = 60_000
_PIXELS_PER_INCH = 144.0  # two pixels a point: 1200 by 676
_BACK, _STRESS = "oorzaken-van-rugpijn", "stress-en-rugpijn"

Words = dict[str, object]
# Course, name of the file, template → words by language.
PICTURES: dict[tuple[str, str, str], dict[str, Words]] = {
    (_BACK, "causes", "causes"): {
        "nl": {
            "pain": "rugpijn",
            "much": "te veel gedaan",
            "little": "te weinig gedaan",
            "tension": "stress",
            "unclear": "geen reden te vinden",
            "disease": "ziekte",
            "mix": "vaak een mix",
        },
        "en": {
            "pain": "back pain",
            "much": "doing too much",
            "little": "doing too little",
            "tension": "stress",
            "unclear": "no reason to be found",
            "disease": "illness",
            "mix": "often a mix",
        },
    },
    (_BACK, "balance", "balance"): {
        "nl": {
            "balance": "In balans",
            "too-much": "Overbelast",
            "load": "wat je doet",
            "capacity": "wat je rug gewend is",
        },
        "en": {
            "balance": "In balance",
            "too-much": "Overloaded",
            "load": "what you do",
            "capacity": "what it is used to",
        },
    },
    (_BACK, "circle", "circle"): {
        "nl": {
            "steps": ["weinig bewegen", "een stijvere rug", "sneller pijn", "bewegen vermijden"],
            "out": "De weg eruit: kort beginnen",
        },
        "en": {
            "steps": ["moving little", "a stiffer back", "it hurts sooner", "avoiding moves"],
            "out": "The way out: start small",
        },
    },
    (_BACK, "alarm", "threshold"): {
        "nl": {
            "calm": "Ontspannen",
            "tense": "Gespannen",
            "alarm": "alarm",
            "signal": "signaal van je rug",
            "same-signal": "hetzelfde signaal",
        },
        "en": {
            "calm": "At ease",
            "tense": "Tense",
            "alarm": "alarm",
            "signal": "signal from your back",
            "same-signal": "the same signal",
        },
    },
    (_BACK, "recovery", "recovery"): {
        "nl": {"pain": "pijn", "days": "Goede en slechte dagen horen erbij.", "start": "nu", "end": "weken later"},
        "en": {"pain": "pain", "days": "Good and bad days are part of it.", "start": "now", "end": "weeks later"},
    },
    (_BACK, "hundred", "hundred"): {
        "nl": {
            "serious": "ongeveer 1: een ernstige ziekte",
            "nerve": "ongeveer 5: een zenuw die klem zit",
            "others": "de anderen: geen ziekte gevonden",
        },
        "en": {
            "serious": "about 1: a serious disease",
            "nerve": "about 5: a trapped nerve",
            "others": "the others: no disease found",
        },
    },
    (_BACK, "doors", "doors"): {
        "nl": {"one": "Eén punt is genoeg om te beginnen."},
        "en": {"one": "One thing is enough to start with."},
    },
    (_BACK, "glass", "glass"): {
        "nl": {
            "together": "Samen te veel",
            "first": "stress",
            "second": "slecht slapen",
            "third": "zware boodschappen",
        },
        "en": {"together": "Too much together", "first": "stress", "second": "poor sleep", "third": "heavy shopping"},
    },
    (_BACK, "steps", "steps"): {
        "nl": {"title": "Stap voor stap", "small": "kort, vaak, en elke keer een beetje meer"},
        "en": {"title": "Step by step", "small": "short, often, a little more each time"},
    },
    (_STRESS, "circle", "circle"): {
        "nl": {"steps": ["stress", "meer pijn", "piekeren, slecht slapen"], "out": "Je kunt op elke plek ingrijpen"},
        "en": {"steps": ["stress", "more pain", "worry and poor sleep"], "out": "You can step in anywhere"},
    },
    (_STRESS, "signs", "signs"): {
        "nl": {
            "sleep": "lichte slaap",
            "jaw": "strakke kaken",
            "neck": "strakke nek",
            "breath": "hoge adem",
            "back": "stijve rug",
        },
        "en": {
            "sleep": "light sleep",
            "jaw": "a tight jaw",
            "neck": "a tight neck",
            "breath": "shallow breath",
            "back": "a stiff back",
        },
    },
    (_STRESS, "places", "circle"): {
        "nl": {"steps": ["je spieren", "je gedachten", "je slaap", "je dag"], "out": "Eén plek is genoeg"},
        "en": {"steps": ["your muscles", "your thoughts", "your sleep", "your day"], "out": "One place is enough"},
    },
}


def draw(template: str, language: str, words: Words) -> bytes:
    """Return a drawing as a PNG."""
    made = typst.compile(
        str(DRAWINGS / f"{template}.typ"),
        root=str(ROOT),
        format="png",
        ppi=_PIXELS_PER_INCH,
        sys_inputs={"words": json.dumps(words), "language": language},
        ignore_system_fonts=True,
    )
    if not isinstance(made, bytes):
        raise TypeError(f"{template}.typ has more than one page")  # typst then returns a list of pictures
    return packed_flat(made)


def draw_all(lessons: Path) -> list[Path]:
    """Draw all pictures into the folders of their courses; returns the files. Raises ValueError for one too large."""
    files = []
    for (course, name, template), by_language in PICTURES.items():
        for language, words in by_language.items():
            file = lessons / course / "pictures" / f"{name}-{language}.png"
            content = draw(template, language, words)
            check_file(content, file.name)
            if len(content) > MAX_BYTES:
                raise ValueError(f"{file.name} has {len(content)} bytes; at most {MAX_BYTES}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            files.append(file)
    return files


def main() -> None:
    for file in draw_all(ROOT / "lessons"):
        sys.stdout.write(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} kB\n")


if __name__ == "__main__":
    main()
