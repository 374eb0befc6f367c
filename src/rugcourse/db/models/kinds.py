"""The kinds of campaigns and of mails. Each has one entry, with all that the code asks about a kind."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class CampaignKind(StrEnum):
    EVERGREEN = "evergreen"  # everyone starts when they sign up
    COHORT = "cohort"  # everyone starts on the same date
    BROADCAST = "broadcast"  # one message


class DeliveryKind(StrEnum):
    LESSON = "lesson"
    BROADCAST = "broadcast"
    CONFIRM = "confirm"
    REMINDER = "reminder"  # to somebody who did not confirm, once
    WELCOME = "welcome"
    ALREADY_SUBSCRIBED = "already"  # somebody signed up again with the address of a reader
    MAGIC_LINK = "link"  # a new link to the reader's own page
    IMPORTED = "imported"  # the first mail to an imported subscriber: where their address is from, and how to stop


@dataclass(frozen=True, slots=True)
class CampaignType:
    """What differs between kinds of campaigns.

    `sends`: lessons of its course, or a message of its own. `has_audience`: an admin drafts it, chooses who gets it and
    starts it, and it ends; otherwise it comes with its course, and people join it by signing up. `enrols_once`: nobody
    gets the course twice without an admin's consent. `chooses_ground`: an admin chooses the consent that it relies on.
    `any_ground`: consent to news is enough, as well as consent to the course.
    """

    sends: DeliveryKind
    has_audience: bool
    enrols_once: bool = False
    chooses_ground: bool = False
    any_ground: bool = False

    @property
    def sends_course(self) -> bool:
        return self.sends == DeliveryKind.LESSON


CAMPAIGN_TYPES: dict[CampaignKind, CampaignType] = {
    CampaignKind.EVERGREEN: CampaignType(sends=DeliveryKind.LESSON, has_audience=False),
    CampaignKind.COHORT: CampaignType(sends=DeliveryKind.LESSON, has_audience=True, enrols_once=True, any_ground=True),
    CampaignKind.BROADCAST: CampaignType(sends=DeliveryKind.BROADCAST, has_audience=True, chooses_ground=True),
}


@dataclass(frozen=True, slots=True)
class MailType:
    """What differs between kinds of mails, besides their templates.

    `from_campaign`: a campaign sends it, so that holds of the campaign stop it; otherwise somebody waits for it.
    `is_list`: it has the headers of a mailing list (RFC 2369), as one can leave what it belongs to.
    `asks_to_confirm`: it asks the owner of an address whether they signed up. `says_first_due`: it says when the first
    lesson comes, and offers the e-book.
    """

    from_campaign: bool = False
    is_list: bool = True
    asks_to_confirm: bool = False
    says_first_due: bool = False


MAIL_TYPES: dict[DeliveryKind, MailType] = {
    DeliveryKind.LESSON: MailType(from_campaign=True),
    DeliveryKind.BROADCAST: MailType(from_campaign=True),
    DeliveryKind.CONFIRM: MailType(is_list=False, asks_to_confirm=True),
    DeliveryKind.REMINDER: MailType(is_list=False, asks_to_confirm=True),
    DeliveryKind.WELCOME: MailType(says_first_due=True),
    DeliveryKind.ALREADY_SUBSCRIBED: MailType(),
    DeliveryKind.MAGIC_LINK: MailType(is_list=False),
    DeliveryKind.IMPORTED: MailType(says_first_due=True),
}

COURSE_KINDS = tuple(kind for kind, one in CAMPAIGN_TYPES.items() if one.sends_course)
ANY_GROUND_KINDS = tuple(kind for kind, one in CAMPAIGN_TYPES.items() if one.any_ground)
CAMPAIGN_MAIL = tuple(kind for kind, one in MAIL_TYPES.items() if one.from_campaign)
ASKING_MAIL = tuple(kind for kind, one in MAIL_TYPES.items() if one.asks_to_confirm)
FIRST_MAIL = tuple(kind for kind, one in MAIL_TYPES.items() if one.says_first_due)
