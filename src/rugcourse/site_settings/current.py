"""What applies now: the environment's settings, with those that were saved in the browser over them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from rugcourse.db.engine import Database
from rugcourse.design import BLACK, FONTS, WHITE, BrandColours, DesignTokens, branded, colour_problems, design_tokens
from rugcourse.emails.branding import Author, Branding, EmailWords, Logo, NextStep, branding_of
from rugcourse.pictures.reference import PictureRef, parse_reference
from rugcourse.settings import Settings
from rugcourse.site_settings import store
from rugcourse.site_settings.model import IN_ENVIRONMENT, AuthorProfile, SiteSettings

_FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Site:
    """What applies in this process.

    `settings`: those of the environment, with the names and addresses of this site. `branding`: what mails, pages and
    books show. `css`: the variables of its design tokens. `admin_language`: of the admin pages, empty for that of the
    browser.
    """

    settings: Settings
    branding: Branding
    css: str
    revision: int = 0
    admin_language: str = ""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.time_zone)

    @property
    def tokens(self) -> DesignTokens:
        return self.branding.tokens


class CurrentSite:
    """Keeps the site's settings in memory, and reads them again within a second of a change by another process.

    Thread-safe. A database that is away changes nothing: what was known last applies.
    """

    def __init__(self, environment: Settings) -> None:
        self._environment = environment
        self._site = site_of(environment, SiteSettings())
        self._checked_at = float("-inf")
        self._lock = threading.Lock()

    @property
    def site(self) -> Site:
        return self._site

    @property
    def is_fresh(self) -> bool:
        """Whether it was compared with the database within the last second."""
        return time.monotonic() - self._checked_at < _FRESH_SECONDS

    def refresh(self, database: Database, *, now: bool = False) -> Site:
        """Read the settings if a second has passed, or `now`, and they have changed. Raises DatabaseError."""
        if now or not self.is_fresh:
            self._checked_at = time.monotonic()
            database.query(self.refresh_in)
        return self._site

    def refresh_in(self, session: Session) -> None:
        """Read the settings if they have changed. Runs in the caller's transaction."""
        self._checked_at = time.monotonic()
        if store.revision(session) == self._site.revision:
            return
        stored = store.load(session)
        with self._lock:  # a transaction that began earlier may come later, with what was there before
            if stored.revision > self._site.revision:
                self._site = site_of(self._environment, stored.settings, stored.revision)


def overridden(environment: Settings) -> frozenset[str]:
    """Return the names of the settings that the environment has, which can't be changed in the browser."""
    return frozenset(IN_ENVIRONMENT) & environment.model_fields_set


def site_of(environment: Settings, chosen: SiteSettings, revision: int = 0) -> Site:
    """Return the settings and the design that apply, see `Site`."""
    mine = {
        name: value
        for name in IN_ENVIRONMENT
        if name not in environment.model_fields_set and (value := getattr(chosen, name)) is not None
    }
    if "author_lines" in mine:  # a language without a line shows that of the default language
        default = environment.default_language
        mine["author_lines"] = {default: environment.author_line(default), **mine["author_lines"]}
    settings = environment.model_copy(update=mine)
    branding = _branding(settings, chosen)
    return Site(settings, branding, _css(branding), revision, chosen.admin_language or "")


def _branding(settings: Settings, chosen: SiteSettings) -> Branding:
    """Return what is shown of the sender. `settings`: those that apply."""
    default, given = settings.default_language, branding_of(settings, tokens_of(chosen))
    main = replace(given.author, qualifications=chosen.author_qualifications or "", photo=_ref(chosen.author_photo))
    logo = _ref(chosen.logo)
    return replace(
        given,
        author=main,
        logo=_logo(logo, chosen, given.tokens) if logo else None,
        favicon=_ref(chosen.favicon),
        authors={one.slug: _author(one, default) for one in chosen.authors or ()},
        email_words={
            mail: {language: EmailWords(one.subject, one.opening) for language, one in words.items()}
            for mail, words in (chosen.email_words or {}).items()
        },
        next_steps={
            language: NextStep(one.text, one.label, one.link) for language, one in (chosen.next_steps or {}).items()
        },
        privacy_lines=chosen.privacy_lines or {},
    )


def _author(profile: AuthorProfile, default: str) -> Author:
    first = default if default in profile.lines else next(iter(profile.lines))
    lines = {first: profile.lines[first], **profile.lines}
    return Author(profile.name, lines, profile.qualifications, _ref(profile.photo))


def _ref(address: str | None) -> PictureRef | None:
    return parse_reference(address) if address else None


def _logo(picture: PictureRef, chosen: SiteSettings, tokens: DesignTokens) -> Logo:
    match chosen.logo_background:
        case "white":
            return Logo(picture, WHITE, BLACK)
        case "accent":
            return Logo(picture, tokens.light["accent"], tokens.light["on_accent"])
        case "dark":
            return Logo(picture, BLACK, WHITE)
        case None:
            return Logo(picture)


def _css(branding: Branding) -> str:
    if branding.logo is None or not branding.logo.background:
        return branding.tokens.css
    return f"{branding.tokens.css}:root {{ --logo-background: {branding.logo.background}; }}\n"


def colours_of(chosen: SiteSettings) -> BrandColours:
    """Return the colours that apply, those of `design.toml` where none is chosen."""
    light = design_tokens().light
    return BrandColours(chosen.accent or light["accent"], chosen.paper or light["paper"])


def tokens_of(chosen: SiteSettings) -> DesignTokens:
    """Return the design tokens that apply. Colours that can't be read, as `design.toml` changed since, are left out."""
    tokens, colours = design_tokens(), colours_of(chosen)
    if chosen.font in FONTS:
        tokens = replace(tokens, sans=FONTS[chosen.font])
    if (chosen.accent or chosen.paper) and not colour_problems(tokens, colours):
        tokens = branded(tokens, colours)
    return tokens
