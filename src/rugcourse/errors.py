"""The errors of the product: one base, and six kinds that say what to do about them.

Each error is a class of its own beside the function that raises it. Its kind decides what happens where nobody catches
it: `rugcourse.web.app` turns `NotFoundError` into a page that is not there and `UnavailableError` into "please try
again later"; `rugcourse.cli.main` prints the message of any of them, without a traceback.
"""

from __future__ import annotations


class RugcourseError(Exception):
    """Something that the product expects to go wrong."""

    @property
    def message(self) -> str:
        """What to tell a person: the text that was given, or else what the class says of itself."""
        return str(self) or (type(self).__doc__ or "").partition("\n")[0]


class NotFoundError(RugcourseError):
    """What was asked for is not there, or not for whoever asks."""


class InvalidInput(RugcourseError):
    """Something that was typed or sent can't be used."""


class InvalidState(RugcourseError):
    """It can't be done now, as things stand."""


class ConflictError(RugcourseError):
    """Somebody else changed the same thing meanwhile, or has it already."""


class UnavailableError(RugcourseError):
    """Something that the product needs does not answer; later it may."""


class ConfigError(RugcourseError):
    """The installation is not set up so that it can work. The message says how to correct it."""
