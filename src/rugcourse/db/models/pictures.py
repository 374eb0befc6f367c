"""Tables of pictures."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base


class PictureRow(Base):
    """A picture that texts can show, see `rugcourse.pictures.reference`. Never changed.

    `content`: its file at its full size; `size`: the bytes of that. `admin_id`: who uploaded it, None if it came with
    the files of a course.
    """

    __tablename__ = "picture"

    digest: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    extension: Mapped[str] = mapped_column(String(3))
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # lists of pictures need no bytes
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))
    created_at: Mapped[datetime]


class PictureRenditionRow(Base):
    """A picture made anew in one of the widths of mails and pages. Made when it is first asked for."""

    __tablename__ = "picture_rendition"

    digest: Mapped[str] = mapped_column(ForeignKey("picture.digest"), primary_key=True)
    width: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes] = mapped_column(LargeBinary)
