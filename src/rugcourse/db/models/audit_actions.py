"""What the audit log can say that somebody did. The admin has words for each in `audit-log-labels.html`."""

from __future__ import annotations

from enum import StrEnum


class AuditAction(StrEnum):
    ADMIN_INVITE = "admin.invite"
    ADMIN_DISABLE = "admin.disable"
    ADMIN_CHANGE_ROLE = "admin.change_role"
    ADMIN_SET_PASSWORD = "admin.set_password"  # noqa: S105 - a label: the first one, from an invitation
    ADMIN_CHANGE_PASSWORD = "admin.change_password"  # noqa: S105 - a label
    ADMIN_RESET_PASSWORD = "admin.reset_password"  # noqa: S105 - a label: by a link in a mail
    ADMIN_SET_SECOND_FACTOR = "admin.set_second_factor"
    ADMIN_REMOVE_SECOND_FACTOR = "admin.remove_second_factor"
    ADMIN_MAKE_RECOVERY_CODES = "admin.make_recovery_codes"
    ADMIN_ADD_PASSKEY = "admin.add_passkey"
    ADMIN_REMOVE_PASSKEY = "admin.remove_passkey"
    API_TOKEN_CREATE = "api_token.create"  # noqa: S105 - a label
    API_TOKEN_REVOKE = "api_token.revoke"  # noqa: S105 - a label
    WEBHOOK_ADD = "webhook.add"
    WEBHOOK_CHANGE = "webhook.change"
    WEBHOOK_ROTATE_SECRET = "webhook.rotate_secret"  # noqa: S105 - a label
    WEBHOOK_ENABLE = "webhook.enable"
    WEBHOOK_DISABLE = "webhook.disable"
    WEBHOOK_DELETE = "webhook.delete"
    WEBHOOK_REPLAY = "webhook.replay"
    SUBSCRIBERS_EXPORT = "subscribers.export"  # a list of them
    SENDING_RESUME = "sending.resume"
    COURSE_CREATE = "course.create"
    COURSE_PUBLISH = "course.publish"
    SITE_CHANGE_SETTINGS = "site.change_settings"
    SITE_SEND_TEST = "site.send_test"
    COURSE_ARCHIVE = "course.archive"
    COURSE_UNARCHIVE = "course.unarchive"
    COURSE_DELETE = "course.delete"  # one that was never published
    COURSE_ADD = "course.add"  # from a pack
    LESSON_PUBLISH = "lesson.publish"
    LESSON_REMOVE = "lesson.remove"
    LESSON_DISCARD_DRAFT = "lesson.discard_draft"
    LESSON_RESTORE_DRAFT = "lesson.restore_draft"
    PICTURE_UPLOAD = "picture.upload"
    PICTURE_DELETE = "picture.delete"
    AB_TEST_START = "ab_test.start"
    AB_TEST_STOP = "ab_test.stop"
    IMPORT_START = "import.start"
    IMPORT_STOP = "import.stop"
    BULK_ACTION_START = "bulk_action.start"
    BULK_ACTION_STOP = "bulk_action.stop"
    ADDRESS_SUPPRESS = "address.suppress"
    ADDRESS_LIFT = "address.lift"
    SUBSCRIBER_PAUSE = "subscriber.pause"
    SUBSCRIBER_RESUME = "subscriber.resume"
    SUBSCRIBER_MOVE = "subscriber.move"
    SUBSCRIBER_RESEND = "subscriber.resend"
    SUBSCRIBER_UNSUBSCRIBE = "subscriber.unsubscribe"
    SUBSCRIBER_SUPPRESS = "subscriber.suppress"
    SUBSCRIBER_ERASE = "subscriber.erase"
    SUBSCRIBER_CORRECT = "subscriber.correct"  # the address, as its owner asked
    SUBSCRIBER_COPY = "subscriber.copy"  # all data about them
    SUBSCRIBER_TAG = "subscriber.tag"
    SUBSCRIBER_UNTAG = "subscriber.untag"
    SUBSCRIBER_ASK_ADDRESS = "subscriber.ask_address"  # the new address has to confirm
    SUBSCRIBER_NO_TAGS = "subscriber.no_tags"  # they objected (GDPR, article 21)
    SUBSCRIBER_NO_STATISTICS = "subscriber.no_statistics"  # they objected (GDPR, article 21)
    CAMPAIGN_CREATE = "campaign.create"
    CAMPAIGN_DUPLICATE = "campaign.duplicate"
    CAMPAIGN_START = "campaign.start"
    CAMPAIGN_PAUSE = "campaign.pause"
    CAMPAIGN_RESUME = "campaign.resume"
    CAMPAIGN_CANCEL = "campaign.cancel"
    CAMPAIGN_ARCHIVE = "campaign.archive"
    CAMPAIGN_UNARCHIVE = "campaign.unarchive"
    CAMPAIGN_DISCARD = "campaign.discard"
    CAMPAIGN_RESTORE = "campaign.restore"
    LIST_DOWNLOAD = "list.download"  # as CSV
