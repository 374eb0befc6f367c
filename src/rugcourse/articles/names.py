"""What sections of an article are called that are not lessons, or that begin or end it, in several languages.

An article is not always in a language of the interface, so the words stand here and not in the catalogues.
"""

from __future__ import annotations

import re
from collections.abc import Collection

_NUMBER = re.compile(r"^(?:\d{1,3}(?:\.\d{1,3}){0,4}[.)]?|[IVXivx]{1,6}[.)])\s+(?=\S)")
_AROUND = " \t\n.:!?…–—-*_"

INTRODUCTION = frozenset({
    "inleiding", "introductie", "introduction", "intro", "einleitung", "einführung", "voorwoord", "vooraf", "foreword",
    "preface", "vorwort",
})  # fmt: skip
CLOSING = frozenset({
    "conclusie", "conclusion", "tot slot", "slot", "afsluiting", "samenvatting", "summary", "fazit", "schluss",
    "zusammenfassung", "nawoord", "in conclusion",
})  # fmt: skip
SOURCES = frozenset({
    "bronnen", "bron", "bronvermelding", "geraadpleegde bronnen", "gebruikte bronnen", "literatuur", "literatuurlijst",
    "referenties", "sources", "references", "reference list", "bibliography", "works cited", "literature", "quellen",
    "quellenverzeichnis", "literatur", "literaturverzeichnis", "références", "bibliographie", "voetnoten", "footnotes",
    "noten", "notes",
})  # fmt: skip
CONTENTS = frozenset({
    "inhoud", "inhoudsopgave", "contents", "table of contents", "in this article", "in dit artikel", "on this page",
    "op deze pagina", "inhalt", "inhaltsverzeichnis", "wat lees je hier", "sommaire",
})  # fmt: skip
FURTHER = frozenset({
    "andere artikelen", "andere artikelen over dit onderwerp", "gerelateerde artikelen", "lees ook", "lees verder",
    "verder lezen", "meer lezen", "meer weten", "related articles", "related posts", "related", "read more",
    "further reading", "read also", "more on this subject", "see also", "you may also like", "weitere artikel",
    "weiterlesen", "mehr zum thema", "zie ook", "meer over dit onderwerp",
})  # fmt: skip
AROUND = frozenset({
    "over de auteur", "about the author", "über den autor", "reacties", "comments", "kommentare", "deel dit artikel",
    "deel dit bericht", "share this article", "delen", "share", "laat een reactie achter", "leave a comment",
    "leave a reply", "heeft dit artikel je geholpen", "was dit artikel nuttig", "was this article helpful",
    "did this article help you", "war dieser artikel hilfreich", "nieuwsbrief", "newsletter", "geef een reactie",
    "navigatie", "menu", "cookies",
})  # fmt: skip
IN_SHORT = frozenset({
    "in het kort", "kort samengevat", "samenvatting", "in short", "summary", "key points", "at a glance", "kurz gesagt",
    "das wichtigste in kürze", "op een rij", "belangrijkste punten", "samengevat", "wat je leert", "takeaways",
    "key takeaways", "zusammenfassung",
})  # fmt: skip


def without_number(heading: str) -> str:
    """Return a heading without the number before it: `2.1 Sleep` is `Sleep`."""
    return _NUMBER.sub("", heading, count=1)


def is_called(heading: str, names: Collection[str]) -> bool:
    """Whether a heading is one of `names`, in any case, with or without a number."""
    return without_number(heading).strip(_AROUND).lower() in names
