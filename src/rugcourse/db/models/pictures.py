"""Tables of pictures."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from rugcourse.db.models.base import Base, check

_SOMEWHERE = "content IS NOT NULL OR storage_key IS NOT NULL"


class PictureRow(Base):
    """A picture that texts can show, see `rugcourse.pictures.reference`. Never changed.

    `content`: its file at its full size, None if that is in the picture storage, under `storage_key`; `size`: the
    bytes of that. With both, `content` is what counts: it was moved back. `admin_id`: who uploaded it, None if it came
    with the files of a course.
    """

    __tablename__ = "picture"
    __table_args__ = (check("somewhere", _SOMEWHERE),)

    digest: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    extension: Mapped[str] = mapped_column(String(3))
    width: Mapped[int]
    height: Mapped[int]
    size: Mapped[int]
    content: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)  # lists of pictures need no bytes
    storage_key: Mapped[str | None] = mapped_column(String(60))
    admin_id: Mapped[int | None] = mapped_column(ForeignKey("admin.id"))
    created_at: Mapped[datetime]


class PictureRenditionRow(Base):
    """A picture made anew in one of the widths of mails and pages. Made when it is first asked for.

    `content` and `storage_key`: as of a picture.
    """

    __tablename__ = "picture_rendition"
    __table_args__ = (check("somewhere", _SOMEWHERE),)

    digest: Mapped[str] = mapped_column(ForeignKey("picture.digest"), primary_key=True)
    width: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    storage_key: Mapped[str | None] = mapped_column(String(60))
