"""What can be wrong with a picture, with a kind for pages in other languages and a message for the command line."""

from __future__ import annotations

from enum import StrEnum

from rugcourse.errors import InvalidInput, UnavailableError


class PictureProblem(StrEnum):
    EMPTY = "empty"
    TOO_LARGE = "too-large"  # bytes
    TOO_MANY_PIXELS = "too-many-pixels"
    UNKNOWN_TYPE = "unknown-type"
    DAMAGED = "damaged"
    NOT_PREPARED = "not-prepared"  # a file of a course: metadata, too wide, or a type that mails don't show


MESSAGES = {
    PictureProblem.EMPTY: "the file is empty; choose a picture",
    PictureProblem.TOO_LARGE: "the file is larger than 20 MB; save the picture smaller",
    PictureProblem.TOO_MANY_PIXELS: "the picture has too many pixels (it may have 50 million, a WebP 5 million, "
    "a PNG that is interlaced or has 16 bits a colour 20 million); save it smaller, or as JPEG",
    PictureProblem.UNKNOWN_TYPE: "this is no JPEG, PNG, WebP or GIF, whatever its name says; save the picture as one",
    PictureProblem.DAMAGED: "the picture is damaged or not complete; save it anew",
    PictureProblem.NOT_PREPARED: "the picture is not ready for mails",
}


class InvalidPicture(InvalidInput):
    """A file is no picture that can be used. `problem` names the reason."""

    def __init__(self, problem: PictureProblem, message: str = "") -> None:
        super().__init__(message or MESSAGES[problem])
        self.problem = problem


class EncoderUnavailable(UnavailableError):
    """A picture can't be made ready now, as too many are uploaded at once or Pillow can't be run."""
