"""The first schema, with the triggers that count. Frozen: it imports only column types, which never change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from rugcourse.db.types import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "admin",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=True),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("totp_secret", sa.String(length=300), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
        sa.Column("invite_token_hash", sa.String(length=64), nullable=True),
        sa.Column("invite_expires_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("first_login_at", UtcDateTime(), nullable=True),
        sa.Column("reset_token_hash", sa.String(length=64), nullable=True),
        sa.Column("reset_expires_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("role IN ('owner', 'editor', 'analyst')", name=op.f("ck_admin_role")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_admin_email")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin")),
        sa.UniqueConstraint("email", name=op.f("uq_admin_email")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "admin_challenge",
        sa.Column("challenge", sa.String(length=120), nullable=False),
        sa.Column("bound_to", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("challenge", name=op.f("pk_admin_challenge")),
    )
    op.create_table(
        "consent_text",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_consent_text")),
    )
    op.create_table(
        "counter",
        sa.Column("campaign_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("lesson_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("metric", sa.String(length=120), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "lesson_id", "day", "metric", name=op.f("pk_counter")),
    )
    op.create_table(
        "counter_delta",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("lesson_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("metric", sa.String(length=120), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_counter_delta")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "course",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("content_hash", sa.String(length=64), server_default="", nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), server_default="[]", nullable=False),
        sa.Column("cadence", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("archived_at", UtcDateTime(), nullable=True),
        sa.Column("draft_revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("synced_hashes", sa.JSON(), server_default="{}", nullable=False),
        sa.CheckConstraint("(published_at IS NULL) = (content_hash = '')", name=op.f("ck_course_published")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course")),
        sa.UniqueConstraint("slug", name=op.f("uq_course_slug")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("queue", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("enrolment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("lesson_id", sa.Integer(), nullable=True),
        sa.Column("local_date", sa.Date(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=80), nullable=True),
        sa.Column("planned_at", UtcDateTime(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("send_by", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("lesson_version_id", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(length=5), nullable=True),
        sa.Column("recap_question", sa.String(length=60), nullable=True),
        sa.Column("message_id", sa.String(length=120), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("smtp_response", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'planned') = (not_before IS NOT NULL)", name=op.f("ck_delivery_planned")),
        sa.CheckConstraint(
            "kind NOT IN ('lesson', 'broadcast') OR (enrolment_id IS NOT NULL AND lesson_id IS NOT NULL)",
            name=op.f("ck_delivery_lesson"),
        ),
        sa.CheckConstraint("queue IN ('transactional', 'lessons')", name=op.f("ck_delivery_queue")),
        sa.CheckConstraint(
            "state <> 'submitting' OR (lease IS NOT NULL AND attempts > 0)", name=op.f("ck_delivery_submitting")
        ),
        sa.CheckConstraint(
            "state IN ('planned', 'submitting') OR settled_at IS NOT NULL", name=op.f("ck_delivery_settled")
        ),
        sa.CheckConstraint(
            "state IN ('planned', 'submitting', 'accepted', 'failed', 'unknown', 'cancelled')",
            name=op.f("ck_delivery_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("enrolment_id", "lesson_id", name=op.f("uq_delivery_enrolment_id_lesson_id")),
        sa.UniqueConstraint("enrolment_id", "local_date", name=op.f("uq_delivery_enrolment_id_local_date")),
        postgresql_with={"fillfactor": 60},
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            "ix_delivery_campaign",
            "delivery",
            ["campaign_id", "lesson_id"],
            unique=False,
            postgresql_using="brin",
            postgresql_ops={"campaign_id": "int4_bloom_ops", "lesson_id": "int4_bloom_ops"},
            postgresql_with={"pages_per_range": 32, "autosummarize": True},
        )
    op.create_index(
        "ix_delivery_planned",
        "delivery",
        ["queue", "not_before"],
        unique=False,
        sqlite_where=sa.text("not_before IS NOT NULL"),
        postgresql_where=sa.text("not_before IS NOT NULL"),
    )
    op.create_index(op.f("ix_delivery_subscriber_id"), "delivery", ["subscriber_id"], unique=False)
    op.create_index(
        "uq_delivery_idempotency_key",
        "delivery",
        ["idempotency_key"],
        unique=True,
        sqlite_where=sa.text("idempotency_key IS NOT NULL"),
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_table(
        "email_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("link", sa.Integer(), nullable=True),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("is_first", sa.Boolean(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("report_hash", sa.String(length=64), nullable=True),
        sa.CheckConstraint(
            "kind IN ('open', 'click', 'answer', 'unsubscribe', 'complaint', 'bounce', 'resend')",
            name=op.f("ck_email_event_kind"),
        ),
        sa.CheckConstraint("verdict IN ('human', 'machine', 'unknown')", name=op.f("ck_email_event_verdict")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_event")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_email_event_bounce",
        "email_event",
        ["at"],
        unique=False,
        sqlite_where=sa.text("kind = 'bounce'"),
        postgresql_where=sa.text("kind = 'bounce'"),
    )
    op.create_index(
        "ix_email_event_complaint",
        "email_event",
        ["at"],
        unique=False,
        sqlite_where=sa.text("kind = 'complaint'"),
        postgresql_where=sa.text("kind = 'complaint'"),
    )
    op.create_index(op.f("ix_email_event_delivery_id"), "email_event", ["delivery_id"], unique=False)
    op.create_index(
        "uq_email_event_first",
        "email_event",
        ["delivery_id", "kind", "verdict"],
        unique=True,
        sqlite_where=sa.text("is_first"),
        postgresql_where=sa.text("is_first"),
    )
    op.create_table(
        "heartbeat",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "hold",
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=True),
        sa.Column("consecutive", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_hold")),
    )
    op.create_table(
        "key_value",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_key_value")),
    )
    op.create_table(
        "lease",
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("delivery_ids", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_lease")),
    )
    op.create_table(
        "rate_limit_bucket",
        sa.Column("key", sa.String(length=300), nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("filled_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_limit_bucket")),
    )
    op.create_table(
        "subscriber",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("security_stamp", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("tracking_consent", sa.Boolean(), nullable=False),
        sa.Column("news_consent", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.Column("pending_signup", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("remind_at", UtcDateTime(), nullable=True),
        sa.Column("links_revoked_at", UtcDateTime(), nullable=True),
        sa.Column("warned_at", UtcDateTime(), nullable=True),
        sa.Column("statistics_objected_at", UtcDateTime(), nullable=True),
        sa.Column("tags_objected_at", UtcDateTime(), nullable=True),
        sa.Column("address_corrected_at", UtcDateTime(), nullable=True),
        sa.Column("former_address_hash", sa.String(length=64), nullable=True),
        sa.CheckConstraint("email = lower(email) AND email LIKE '_%@_%'", name=op.f("ck_subscriber_email")),
        sa.CheckConstraint("status <> 'left' OR left_at IS NOT NULL", name=op.f("ck_subscriber_left")),
        sa.CheckConstraint("status IN ('pending', 'active', 'left', 'suppressed')", name=op.f("ck_subscriber_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriber")),
        sa.UniqueConstraint("email", name=op.f("uq_subscriber_email")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_subscriber_beginning", "subscriber", ["email"], unique=False, postgresql_ops={"email": "text_pattern_ops"}
    )
    op.create_index(op.f("ix_subscriber_former_address_hash"), "subscriber", ["former_address_hash"], unique=False)
    op.create_index("ix_subscriber_language", "subscriber", ["language", "id"], unique=False)
    op.create_index(
        "ix_subscriber_not_active",
        "subscriber",
        ["status", "id"],
        unique=False,
        sqlite_where=sa.text("status <> 'active'"),
        postgresql_where=sa.text("status <> 'active'"),
    )
    op.create_index(
        "ix_subscriber_remind_at",
        "subscriber",
        ["remind_at"],
        unique=False,
        sqlite_where=sa.text("remind_at IS NOT NULL"),
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    )
    op.create_table(
        "suppression",
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("address_hash", name=op.f("pk_suppression")),
    )
    op.create_table(
        "address_change",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("secret", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_address_change_subscriber_id_subscriber")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_change")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_address_change_address_hash"), "address_change", ["address_hash"], unique=False)
    op.create_index(op.f("ix_address_change_subscriber_id"), "address_change", ["subscriber_id"], unique=False)
    op.create_table(
        "admin_passkey",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("admin_id", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.String(length=1400), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_admin_passkey_admin_id_admin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_admin_passkey_credential_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_admin_passkey_admin_id"), "admin_passkey", ["admin_id"], unique=False)
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("scopes", sa.String(length=300), nullable=False),
        sa.Column("admin_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_api_token_admin_id_admin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_api_token_admin_id"), "api_token", ["admin_id"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("token_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["api_token.id"], name=op.f("fk_idempotency_key_token_id_api_token")),
        sa.PrimaryKeyConstraint("token_id", "key_hash", name=op.f("pk_idempotency_key")),
    )
    op.create_index(op.f("ix_idempotency_key_created_at"), "idempotency_key", ["created_at"], unique=False)
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("endpoint_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("next_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("lease", sa.String(length=32), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", UtcDateTime(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "(state = 'waiting') = (next_attempt_at IS NOT NULL)", name=op.f("ck_webhook_delivery_waiting")
        ),
        sa.CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name=op.f("ck_webhook_delivery_settled")),
        sa.CheckConstraint("state IN ('waiting', 'accepted', 'failed')", name=op.f("ck_webhook_delivery_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_webhook_delivery_created_at"), "webhook_delivery", ["created_at"], unique=False)
    op.create_index(
        "ix_webhook_delivery_due",
        "webhook_delivery",
        ["endpoint_id", "next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index("ix_webhook_delivery_endpoint", "webhook_delivery", ["endpoint_id", "id"], unique=False)
    op.create_index(
        "ix_webhook_delivery_order",
        "webhook_delivery",
        ["endpoint_id", "subscriber_id", "id"],
        unique=False,
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_webhook_delivery_subscriber_id"), "webhook_delivery", ["subscriber_id"], unique=False)
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("description", sa.String(length=80), nullable=False),
        sa.Column("events", sa.String(length=400), nullable=False),
        sa.Column("includes_email", sa.Boolean(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.String(length=8), nullable=False),
        sa.Column("secret", sa.String(length=300), nullable=False),
        sa.Column("former_secret", sa.String(length=300), nullable=True),
        sa.Column("former_secret_until", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("failing_since", UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retry_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "disabled_reason IN ('', 'admin', 'gone', 'failing')", name=op.f("ck_webhook_endpoint_disabled_reason")
        ),
        sa.CheckConstraint("is_enabled = (disabled_reason = '')", name=op.f("ck_webhook_endpoint_enabled")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoint")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "admin_recovery_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("admin_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_admin_recovery_code_admin_id_admin")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_admin_recovery_code")),
    )
    op.create_index(op.f("ix_admin_recovery_code_admin_id"), "admin_recovery_code", ["admin_id"], unique=False)
    op.create_table(
        "admin_session",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("admin_id", sa.Integer(), nullable=False),
        sa.Column("second_factor_due", sa.Boolean(), nullable=False),
        sa.Column("code_attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("user_agent", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_admin_session_admin_id_admin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_admin_session_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_admin_session_admin_id"), "admin_session", ["admin_id"], unique=False)
    op.create_table(
        "assessment_attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("stage", sa.String(length=8), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("correct", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("stage IN ('before', 'after')", name=op.f("ck_assessment_attempt_stage")),
        sa.CheckConstraint("correct BETWEEN 0 AND total AND total > 0", name=op.f("ck_assessment_attempt_correct")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_assessment_attempt_course_id_course")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_assessment_attempt_subscriber_id_subscriber")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assessment_attempt")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_assessment_attempt_anonymous",
        "assessment_attempt",
        ["at"],
        unique=False,
        sqlite_where=sa.text("subscriber_id IS NULL"),
        postgresql_where=sa.text("subscriber_id IS NULL"),
    )
    op.create_index(
        "ix_assessment_attempt_newest",
        "assessment_attempt",
        ["subscriber_id", "course_id", "stage", "id"],
        unique=False,
    )
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("admin_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_audit_log_admin_id_admin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_audit_log_subject"), "audit_log", ["subject"], unique=False)
    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("rate_per_minute", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=12), server_default="running", nullable=False),
        sa.Column("pause_reason", sa.Text(), nullable=True),
        sa.Column("audience", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("timing", sa.JSON(), server_default="{}", nullable=False),
        sa.Column("estimate", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("resumed_at", UtcDateTime(), nullable=True),
        sa.Column(
            "enrol_up_to", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column(
            "enrolled_up_to", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default="0", nullable=False
        ),
        sa.Column("again_before", UtcDateTime(), nullable=True),
        sa.Column("ground", sa.String(length=8), server_default="news", nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("archived_at", UtcDateTime(), nullable=True),
        sa.Column("discarded_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("ground IN ('course', 'news')", name=op.f("ck_campaign_ground")),
        sa.CheckConstraint("kind IN ('evergreen', 'cohort', 'broadcast')", name=op.f("ck_campaign_kind")),
        sa.CheckConstraint("status IN ('draft', 'running', 'paused', 'cancelled')", name=op.f("ck_campaign_status")),
        sa.CheckConstraint("enrolled_up_to <= enrol_up_to", name=op.f("ck_campaign_enrolled")),
        sa.CheckConstraint("rate_per_minute > 0", name=op.f("ck_campaign_rate_per_minute")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_campaign_course_id_course")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("text_name", sa.String(length=40), nullable=False),
        sa.Column("notice_name", sa.String(length=40), server_default="", nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=True),
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_consent_subscriber_id_subscriber")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_consent_subscriber_id"), "consent", ["subscriber_id"], unique=False)
    op.create_index(op.f("ix_consent_text_name"), "consent", ["text_name"], unique=False)
    op.create_table(
        "discarded_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("admin_id", sa.Integer(), nullable=True),
        sa.Column("discarded_at", UtcDateTime(), nullable=False),
        sa.Column("base_version_id", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_discarded_draft_admin_id_admin")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_discarded_draft_course_id_course")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discarded_draft")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "site_settings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.Column("admin_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_site_settings_only")),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_site_settings_admin_id_admin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_settings")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ebook",
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("kind", sa.String(length=5), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_ebook_course_id_course")),
        sa.PrimaryKeyConstraint("course_id", "language", "kind", name=op.f("pk_ebook")),
    )
    op.create_table(
        "picture",
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("extension", sa.String(length=3), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("storage_key", sa.String(length=60), nullable=True),
        sa.Column("admin_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("content IS NOT NULL OR storage_key IS NOT NULL", name=op.f("ck_picture_somewhere")),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_picture_admin_id_admin")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_picture")),
    )
    op.create_table(
        "picture_rendition",
        sa.Column("digest", sa.String(length=32), nullable=False),
        sa.Column("width", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("storage_key", sa.String(length=60), nullable=True),
        sa.CheckConstraint(
            "content IS NOT NULL OR storage_key IS NOT NULL", name=op.f("ck_picture_rendition_somewhere")
        ),
        sa.ForeignKeyConstraint(["digest"], ["picture.digest"], name=op.f("fk_picture_rendition_digest_picture")),
        sa.PrimaryKeyConstraint("digest", "width", name=op.f("pk_picture_rendition")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("cursor", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("total", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("admin_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('import', 'bulk_action')", name=op.f("ck_job_kind")),
        sa.CheckConstraint(
            "state IN ('draft', 'checking', 'checked', 'running', 'done', 'cancelled')", name=op.f("ck_job_state")
        ),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_job_admin_id_admin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "lesson",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=True),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("current_version_id", sa.Integer(), nullable=True),
        sa.Column("read_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("position > 0", name=op.f("ck_lesson_position")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_lesson_course_id_course")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson")),
        sa.UniqueConstraint("course_id", "slug", name=op.f("uq_lesson_course_id_slug")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_lesson_campaign_id"), "lesson", ["campaign_id"], unique=False)
    op.create_table(
        "course_draft",
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("admin_id", sa.Integer(), nullable=True),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_course_draft_admin_id_admin")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_course_draft_course_id_course")),
        sa.PrimaryKeyConstraint("course_id", "part", name=op.f("pk_course_draft")),
    )
    op.create_table(
        "course_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_course_version_course_id_course")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course_version")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_course_version_course_id", "course_version", ["course_id"])
    op.create_table(
        "lesson_draft",
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("admin_id", sa.Integer(), nullable=True),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.Column("base_version_id", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_lesson_draft_admin_id_admin")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_lesson_draft_course_id_course")),
        sa.PrimaryKeyConstraint("course_id", "slug", name=op.f("pk_lesson_draft")),
    )
    op.create_table(
        "review_card",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=60), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("missed", sa.Boolean(), nullable=False),
        sa.Column("last_delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reviewed_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_review_card_course_id_course")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_review_card_subscriber_id_subscriber")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_card")),
        sa.UniqueConstraint(
            "subscriber_id", "course_id", "question", name=op.f("uq_review_card_subscriber_id_course_id_question")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "schedule",
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("weekdays", sa.Integer(), nullable=False),
        sa.Column("every_days", sa.Integer(), server_default="1", nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("paused_until", UtcDateTime(), nullable=True),
        sa.CheckConstraint("every_days BETWEEN 1 AND 366", name=op.f("ck_schedule_every_days")),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f("ck_schedule_hour")),
        sa.CheckConstraint("paused OR paused_until IS NULL", name=op.f("ck_schedule_paused")),
        sa.CheckConstraint("weekdays BETWEEN 1 AND 127", name=op.f("ck_schedule_weekdays")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_schedule_subscriber_id_subscriber")
        ),
        sa.PrimaryKeyConstraint("subscriber_id", name=op.f("pk_schedule")),
    )
    op.create_table(
        "security_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("admin_id", sa.Integer(), nullable=True),
        sa.Column("network", sa.String(length=43), nullable=False),
        sa.Column("user_agent", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["admin_id"], ["admin.id"], name=op.f("fk_security_event_admin_id_admin")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_event")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_security_event_admin_id", "security_event", ["admin_id", "id"], unique=False)
    op.create_index("ix_security_event_at", "security_event", ["at"], unique=False)
    op.create_table(
        "subscriber_tag",
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tag", sa.String(length=40), nullable=False),
        sa.CheckConstraint("tag = lower(tag) AND length(tag) > 0", name=op.f("ck_subscriber_tag_tag")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_subscriber_tag_subscriber_id_subscriber")
        ),
        sa.PrimaryKeyConstraint("subscriber_id", "tag", name=op.f("pk_subscriber_tag")),
    )
    op.create_index("ix_subscriber_tag_tag", "subscriber_tag", ["tag", "subscriber_id"], unique=False)
    op.create_table(
        "enrolment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("next_position", sa.Integer(), nullable=False),
        sa.Column("lessons_planned", sa.Integer(), nullable=False),
        sa.Column("next_due_at", UtcDateTime(), nullable=True),
        sa.Column("last_local_date", sa.Date(), nullable=True),
        sa.Column("awaits_answer", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("completed_at", UtcDateTime(), nullable=True),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(status <> 'completed' OR completed_at IS NOT NULL)", name=op.f("ck_enrolment_completed")),
        sa.CheckConstraint("status <> 'left' OR left_at IS NOT NULL", name=op.f("ck_enrolment_left")),
        sa.CheckConstraint("status = 'active' OR next_due_at IS NULL", name=op.f("ck_enrolment_over")),
        sa.CheckConstraint("status IN ('active', 'completed', 'left', 'cancelled')", name=op.f("ck_enrolment_status")),
        sa.CheckConstraint("next_position > 0", name=op.f("ck_enrolment_next_position")),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_enrolment_campaign_id_campaign")),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscriber.id"], name=op.f("fk_enrolment_subscriber_id_subscriber")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
        sa.UniqueConstraint("campaign_id", "subscriber_id", name=op.f("uq_enrolment_campaign_id_subscriber_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_enrolment_due",
        "enrolment",
        ["campaign_id", "next_due_at"],
        unique=False,
        sqlite_where=sa.text("next_due_at IS NOT NULL"),
        postgresql_where=sa.text("next_due_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_enrolment_subscriber_id"), "enrolment", ["subscriber_id"], unique=False)
    op.create_table(
        "feedback",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lesson_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("helped", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["lesson_id"], ["lesson.id"], name=op.f("fk_feedback_lesson_id_lesson")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_feedback_lesson_id"), "feedback", ["lesson_id"], unique=False)
    op.create_index(
        "ix_feedback_lesson_remark",
        "feedback",
        ["lesson_id", "at", "id"],
        unique=False,
        sqlite_where=sa.text("remark <> ''"),
        postgresql_where=sa.text("remark <> ''"),
    )
    op.create_index(
        "ix_feedback_remark",
        "feedback",
        ["at", "id"],
        unique=False,
        sqlite_where=sa.text("remark <> ''"),
        postgresql_where=sa.text("remark <> ''"),
    )
    op.create_index(
        "uq_feedback_delivery_id",
        "feedback",
        ["delivery_id"],
        unique=True,
        sqlite_where=sa.text("delivery_id IS NOT NULL"),
        postgresql_where=sa.text("delivery_id IS NOT NULL"),
    )
    op.create_table(
        "job_chunk",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_job_chunk_job_id_job")),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_job_chunk")),
    )
    op.create_table(
        "lesson_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lesson_id", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["lesson_id"], ["lesson.id"], name=op.f("fk_lesson_version_lesson_id_lesson")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson_version")),
        sa.UniqueConstraint("lesson_id", "content_hash", name=op.f("uq_lesson_version_lesson_id_content_hash")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ab_test",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lesson_id", sa.Integer(), nullable=False),
        sa.Column("version_a_id", sa.Integer(), nullable=False),
        sa.Column("version_b_id", sa.Integer(), nullable=False),
        sa.Column("min_sample", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("evaluated_at", UtcDateTime(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("winner", sa.String(length=8), nullable=True),
        sa.Column("multiplier", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("shift", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.CheckConstraint("min_sample > 0", name=op.f("ck_ab_test_min_sample")),
        sa.CheckConstraint("version_a_id <> version_b_id", name=op.f("ck_ab_test_versions")),
        sa.ForeignKeyConstraint(["lesson_id"], ["lesson.id"], name=op.f("fk_ab_test_lesson_id_lesson")),
        sa.ForeignKeyConstraint(
            ["version_a_id"], ["lesson_version.id"], name=op.f("fk_ab_test_version_a_id_lesson_version")
        ),
        sa.ForeignKeyConstraint(
            ["version_b_id"], ["lesson_version.id"], name=op.f("fk_ab_test_version_b_id_lesson_version")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ab_test")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_ab_test_lesson_id"), "ab_test", ["lesson_id"], unique=False)
    op.create_index(
        "uq_ab_test_open",
        "ab_test",
        ["lesson_id"],
        unique=True,
        sqlite_where=sa.text("decided_at IS NULL"),
        postgresql_where=sa.text("decided_at IS NULL"),
    )
    op.create_table(
        "answer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("course_id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=60), nullable=False),
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lesson_version_id", sa.Integer(), nullable=False),
        sa.Column("first_option", sa.Integer(), nullable=False),
        sa.Column("first_correct", sa.Boolean(), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("last_option", sa.Integer(), nullable=False),
        sa.Column("last_correct", sa.Boolean(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("verdict", sa.String(length=12), nullable=False),
        sa.Column("is_excluded", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.CheckConstraint("verdict IN ('human', 'machine', 'unknown')", name=op.f("ck_answer_verdict")),
        sa.CheckConstraint("last_at >= first_at", name=op.f("ck_answer_order")),
        sa.ForeignKeyConstraint(["course_id"], ["course.id"], name=op.f("fk_answer_course_id_course")),
        sa.ForeignKeyConstraint(
            ["lesson_version_id"], ["lesson_version.id"], name=op.f("fk_answer_lesson_version_id_lesson_version")
        ),
        sa.ForeignKeyConstraint(["subscriber_id"], ["subscriber.id"], name=op.f("fk_answer_subscriber_id_subscriber")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint(
            "subscriber_id", "course_id", "question", name=op.f("uq_answer_subscriber_id_course_id_question")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "lesson_version_pin",
        sa.Column("lesson_id", sa.Integer(), nullable=False),
        sa.Column(
            "up_to_enrolment", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["lesson_id"], ["lesson.id"], name=op.f("fk_lesson_version_pin_lesson_id_lesson")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["lesson_version.id"], name=op.f("fk_lesson_version_pin_version_id_lesson_version")
        ),
        sa.PrimaryKeyConstraint("lesson_id", "up_to_enrolment", name=op.f("pk_lesson_version_pin")),
    )
    dialect = op.get_bind().dialect.name
    for statement in _POSTGRESQL_TRIGGERS if dialect == "postgresql" else _SQLITE_TRIGGERS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    raise NotImplementedError("the schema only goes forward; restore a backup to go back")


_POSTGRESQL_TRIGGERS = (
    (
        "CREATE FUNCTION counter_delivery_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT coalesce(r.campaign_id, 0) AS campaign_id, "
        "coalesce(r.lesson_id, 0) AS lesson_id, (r.planned_at AT TIME ZONE 'UTC')::date AS day, 'mail ' || "
        "CASE WHEN r.state IN ('planned', 'submitting') THEN 'open' ELSE r.state END AS metric, 1 AS count "
        "FROM new_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, metric HAVING sum(count)"
        " <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_delivery_insert AFTER insert ON delivery REFERENCING NEW TABLE AS new_rows "
        "FOR EACH STATEMENT EXECUTE FUNCTION counter_delivery_insert()"
    ),
    (
        "CREATE FUNCTION counter_delivery_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT coalesce(r.campaign_id, 0) AS campaign_id, "
        "coalesce(r.lesson_id, 0) AS lesson_id, (r.planned_at AT TIME ZONE 'UTC')::date AS day, 'mail ' || "
        "CASE WHEN r.state IN ('planned', 'submitting') THEN 'open' ELSE r.state END AS metric, 1 AS count "
        "FROM new_rows r  WHERE 1 = 1 UNION ALL SELECT coalesce(r.campaign_id, 0) AS campaign_id, "
        "coalesce(r.lesson_id, 0) AS lesson_id, (r.planned_at AT TIME ZONE 'UTC')::date AS day, 'mail ' || "
        "CASE WHEN r.state IN ('planned', 'submitting') THEN 'open' ELSE r.state END AS metric, -1 AS count "
        "FROM old_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, metric HAVING sum(count)"
        " <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_delivery_update AFTER update ON delivery REFERENCING NEW TABLE AS new_rows "
        "OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION counter_delivery_update()"
    ),
    (
        "CREATE FUNCTION counter_delivery_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT coalesce(r.campaign_id, 0) AS campaign_id, "
        "coalesce(r.lesson_id, 0) AS lesson_id, (r.planned_at AT TIME ZONE 'UTC')::date AS day, 'mail ' || "
        "CASE WHEN r.state IN ('planned', 'submitting') THEN 'open' ELSE r.state END AS metric, -1 AS count "
        "FROM old_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, metric HAVING sum(count)"
        " <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_delivery_delete AFTER delete ON delivery REFERENCING OLD TABLE AS old_rows "
        "FOR EACH STATEMENT EXECUTE FUNCTION counter_delivery_delete()"
    ),
    (
        "CREATE FUNCTION counter_email_event_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT coalesce(d.campaign_id, 0) AS campaign_id, "
        "coalesce(d.lesson_id, 0) AS lesson_id, (r.at AT TIME ZONE 'UTC')::date AS day, 'event ' || r.kind ||"
        " ' ' || r.verdict AS metric, 1 AS count FROM new_rows r JOIN delivery d ON d.id = r.delivery_id "
        "WHERE r.is_first) counted GROUP BY campaign_id, lesson_id, day, metric HAVING sum(count) <> 0; "
        "RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_email_event_insert AFTER insert ON email_event REFERENCING NEW TABLE AS "
        "new_rows FOR EACH STATEMENT EXECUTE FUNCTION counter_email_event_insert()"
    ),
    (
        "CREATE FUNCTION counter_email_event_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT coalesce(d.campaign_id, 0) AS campaign_id, "
        "coalesce(d.lesson_id, 0) AS lesson_id, (r.at AT TIME ZONE 'UTC')::date AS day, 'event ' || r.kind ||"
        " ' ' || r.verdict AS metric, 1 AS count FROM new_rows r JOIN delivery d ON d.id = r.delivery_id "
        "WHERE r.is_first UNION ALL SELECT coalesce(d.campaign_id, 0) AS campaign_id, coalesce(d.lesson_id, "
        "0) AS lesson_id, (r.at AT TIME ZONE 'UTC')::date AS day, 'event ' || r.kind || ' ' || r.verdict AS "
        "metric, -1 AS count FROM old_rows r JOIN delivery d ON d.id = r.delivery_id WHERE r.is_first) "
        "counted GROUP BY campaign_id, lesson_id, day, metric HAVING sum(count) <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_email_event_update AFTER update ON email_event REFERENCING NEW TABLE AS "
        "new_rows OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION counter_email_event_update()"
    ),
    (
        "CREATE FUNCTION counter_answer_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT coalesce(d.campaign_id, 0) AS campaign_id, "
        "coalesce(d.lesson_id, 0) AS lesson_id, (r.first_at AT TIME ZONE 'UTC')::date AS day, 'option ' || "
        "r.question || ' ' || r.first_option || CASE WHEN r.first_correct THEN ' right' ELSE ' wrong' END AS "
        "metric, 1 AS count FROM new_rows r JOIN delivery d ON d.id = r.delivery_id WHERE r.verdict <> "
        "'machine' AND NOT r.is_excluded) counted GROUP BY campaign_id, lesson_id, day, metric HAVING "
        "sum(count) <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_answer_insert AFTER insert ON answer REFERENCING NEW TABLE AS new_rows FOR "
        "EACH STATEMENT EXECUTE FUNCTION counter_answer_insert()"
    ),
    (
        "CREATE FUNCTION counter_answer_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT coalesce(d.campaign_id, 0) AS campaign_id, "
        "coalesce(d.lesson_id, 0) AS lesson_id, (r.first_at AT TIME ZONE 'UTC')::date AS day, 'option ' || "
        "r.question || ' ' || r.first_option || CASE WHEN r.first_correct THEN ' right' ELSE ' wrong' END AS "
        "metric, 1 AS count FROM new_rows r JOIN delivery d ON d.id = r.delivery_id WHERE r.verdict <> "
        "'machine' AND NOT r.is_excluded UNION ALL SELECT coalesce(d.campaign_id, 0) AS campaign_id, "
        "coalesce(d.lesson_id, 0) AS lesson_id, (r.first_at AT TIME ZONE 'UTC')::date AS day, 'option ' || "
        "r.question || ' ' || r.first_option || CASE WHEN r.first_correct THEN ' right' ELSE ' wrong' END AS "
        "metric, -1 AS count FROM old_rows r JOIN delivery d ON d.id = r.delivery_id WHERE r.verdict <> "
        "'machine' AND NOT r.is_excluded) counted GROUP BY campaign_id, lesson_id, day, metric HAVING "
        "sum(count) <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_answer_update AFTER update ON answer REFERENCING NEW TABLE AS new_rows OLD "
        "TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION counter_answer_update()"
    ),
    (
        "CREATE FUNCTION counter_answer_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT coalesce(d.campaign_id, 0) AS campaign_id, "
        "coalesce(d.lesson_id, 0) AS lesson_id, (r.first_at AT TIME ZONE 'UTC')::date AS day, 'option ' || "
        "r.question || ' ' || r.first_option || CASE WHEN r.first_correct THEN ' right' ELSE ' wrong' END AS "
        "metric, -1 AS count FROM old_rows r JOIN delivery d ON d.id = r.delivery_id WHERE r.verdict <> "
        "'machine' AND NOT r.is_excluded) counted GROUP BY campaign_id, lesson_id, day, metric HAVING "
        "sum(count) <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_answer_delete AFTER delete ON answer REFERENCING OLD TABLE AS old_rows FOR "
        "EACH STATEMENT EXECUTE FUNCTION counter_answer_delete()"
    ),
    (
        "CREATE FUNCTION counter_feedback_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT 0 AS campaign_id, r.lesson_id AS lesson_id,"
        " (r.at AT TIME ZONE 'UTC')::date AS day, CASE WHEN r.helped THEN 'helped' ELSE 'not helped' END AS "
        "metric, 1 AS count FROM new_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, "
        "metric HAVING sum(count) <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_feedback_insert AFTER insert ON feedback REFERENCING NEW TABLE AS new_rows "
        "FOR EACH STATEMENT EXECUTE FUNCTION counter_feedback_insert()"
    ),
    (
        "CREATE FUNCTION counter_feedback_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT 0 AS campaign_id, r.lesson_id AS lesson_id,"
        " (r.at AT TIME ZONE 'UTC')::date AS day, CASE WHEN r.helped THEN 'helped' ELSE 'not helped' END AS "
        "metric, 1 AS count FROM new_rows r  WHERE 1 = 1 UNION ALL SELECT 0 AS campaign_id, r.lesson_id AS "
        "lesson_id, (r.at AT TIME ZONE 'UTC')::date AS day, CASE WHEN r.helped THEN 'helped' ELSE 'not "
        "helped' END AS metric, -1 AS count FROM old_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, "
        "lesson_id, day, metric HAVING sum(count) <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_feedback_update AFTER update ON feedback REFERENCING NEW TABLE AS new_rows "
        "OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION counter_feedback_update()"
    ),
    (
        "CREATE FUNCTION counter_feedback_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT 0 AS campaign_id, r.lesson_id AS lesson_id,"
        " (r.at AT TIME ZONE 'UTC')::date AS day, CASE WHEN r.helped THEN 'helped' ELSE 'not helped' END AS "
        "metric, -1 AS count FROM old_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, "
        "metric HAVING sum(count) <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_feedback_delete AFTER delete ON feedback REFERENCING OLD TABLE AS old_rows "
        "FOR EACH STATEMENT EXECUTE FUNCTION counter_feedback_delete()"
    ),
    (
        "CREATE FUNCTION counter_enrolment_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT r.campaign_id AS campaign_id, 0 AS "
        "lesson_id, (r.started_at AT TIME ZONE 'UTC')::date AS day, 'reader ' || r.status AS metric, 1 AS "
        "count FROM new_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, metric HAVING "
        "sum(count) <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_enrolment_insert AFTER insert ON enrolment REFERENCING NEW TABLE AS new_rows "
        "FOR EACH STATEMENT EXECUTE FUNCTION counter_enrolment_insert()"
    ),
    (
        "CREATE FUNCTION counter_enrolment_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT r.campaign_id AS campaign_id, 0 AS "
        "lesson_id, (r.started_at AT TIME ZONE 'UTC')::date AS day, 'reader ' || r.status AS metric, 1 AS "
        "count FROM new_rows r  WHERE 1 = 1 UNION ALL SELECT r.campaign_id AS campaign_id, 0 AS lesson_id, "
        "(r.started_at AT TIME ZONE 'UTC')::date AS day, 'reader ' || r.status AS metric, -1 AS count FROM "
        "old_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, metric HAVING sum(count) <> "
        "0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_enrolment_update AFTER update ON enrolment REFERENCING NEW TABLE AS new_rows "
        "OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION counter_enrolment_update()"
    ),
    (
        "CREATE FUNCTION counter_enrolment_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT r.campaign_id AS campaign_id, 0 AS "
        "lesson_id, (r.started_at AT TIME ZONE 'UTC')::date AS day, 'reader ' || r.status AS metric, -1 AS "
        "count FROM old_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, metric HAVING "
        "sum(count) <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_enrolment_delete AFTER delete ON enrolment REFERENCING OLD TABLE AS old_rows "
        "FOR EACH STATEMENT EXECUTE FUNCTION counter_enrolment_delete()"
    ),
    (
        "CREATE FUNCTION counter_subscriber_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT 0 AS campaign_id, 0 AS lesson_id, "
        "(r.created_at AT TIME ZONE 'UTC')::date AS day, 'subscriber ' || r.status AS metric, 1 AS count FROM"
        " new_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, metric HAVING sum(count) <> "
        "0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_subscriber_insert AFTER insert ON subscriber REFERENCING NEW TABLE AS "
        "new_rows FOR EACH STATEMENT EXECUTE FUNCTION counter_subscriber_insert()"
    ),
    (
        "CREATE FUNCTION counter_subscriber_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT 0 AS campaign_id, 0 AS lesson_id, "
        "(r.created_at AT TIME ZONE 'UTC')::date AS day, 'subscriber ' || r.status AS metric, 1 AS count FROM"
        " new_rows r  WHERE 1 = 1 UNION ALL SELECT 0 AS campaign_id, 0 AS lesson_id, (r.created_at AT TIME "
        "ZONE 'UTC')::date AS day, 'subscriber ' || r.status AS metric, -1 AS count FROM old_rows r  WHERE 1 "
        "= 1) counted GROUP BY campaign_id, lesson_id, day, metric HAVING sum(count) <> 0; RETURN NULL; END "
        "$$"
    ),
    (
        "CREATE TRIGGER counter_subscriber_update AFTER update ON subscriber REFERENCING NEW TABLE AS "
        "new_rows OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION counter_subscriber_update()"
    ),
    (
        "CREATE FUNCTION counter_subscriber_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT 0 AS campaign_id, 0 AS lesson_id, "
        "(r.created_at AT TIME ZONE 'UTC')::date AS day, 'subscriber ' || r.status AS metric, -1 AS count "
        "FROM old_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, metric HAVING sum(count)"
        " <> 0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_subscriber_delete AFTER delete ON subscriber REFERENCING OLD TABLE AS "
        "old_rows FOR EACH STATEMENT EXECUTE FUNCTION counter_subscriber_delete()"
    ),
    (
        "CREATE FUNCTION counter_assessment_attempt_insert() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT 0 AS campaign_id, 0 AS lesson_id, (r.at AT "
        "TIME ZONE 'UTC')::date AS day, 'test ' || r.stage || ' ' || r.course_id AS metric, 1 AS count FROM "
        "new_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, metric HAVING sum(count) <> "
        "0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_assessment_attempt_insert AFTER insert ON assessment_attempt REFERENCING NEW "
        "TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION counter_assessment_attempt_insert()"
    ),
    (
        "CREATE FUNCTION counter_assessment_attempt_update() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT 0 AS campaign_id, 0 AS lesson_id, (r.at AT "
        "TIME ZONE 'UTC')::date AS day, 'test ' || r.stage || ' ' || r.course_id AS metric, 1 AS count FROM "
        "new_rows r  WHERE 1 = 1 UNION ALL SELECT 0 AS campaign_id, 0 AS lesson_id, (r.at AT TIME ZONE "
        "'UTC')::date AS day, 'test ' || r.stage || ' ' || r.course_id AS metric, -1 AS count FROM old_rows r"
        "  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, metric HAVING sum(count) <> 0; RETURN "
        "NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_assessment_attempt_update AFTER update ON assessment_attempt REFERENCING NEW "
        "TABLE AS new_rows OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION "
        "counter_assessment_attempt_update()"
    ),
    (
        "CREATE FUNCTION counter_assessment_attempt_delete() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT campaign_id, "
        "lesson_id, day, metric, sum(count) AS count FROM (SELECT 0 AS campaign_id, 0 AS lesson_id, (r.at AT "
        "TIME ZONE 'UTC')::date AS day, 'test ' || r.stage || ' ' || r.course_id AS metric, -1 AS count FROM "
        "old_rows r  WHERE 1 = 1) counted GROUP BY campaign_id, lesson_id, day, metric HAVING sum(count) <> "
        "0; RETURN NULL; END $$"
    ),
    (
        "CREATE TRIGGER counter_assessment_attempt_delete AFTER delete ON assessment_attempt REFERENCING OLD "
        "TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION counter_assessment_attempt_delete()"
    ),
)

_SQLITE_TRIGGERS = (
    (
        "CREATE TRIGGER counter_delivery_insert AFTER insert ON delivery BEGIN INSERT INTO counter_delta "
        "(campaign_id, lesson_id, day, metric, count) SELECT coalesce(NEW.campaign_id, 0) AS campaign_id, "
        "coalesce(NEW.lesson_id, 0) AS lesson_id, date(NEW.planned_at) AS day, 'mail ' || CASE WHEN NEW.state"
        " IN ('planned', 'submitting') THEN 'open' ELSE NEW.state END AS metric, 1 WHERE 1 = 1; END"
    ),
    (
        "CREATE TRIGGER counter_delivery_update AFTER update OF state, planned_at ON delivery BEGIN INSERT "
        "INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT coalesce(NEW.campaign_id, 0) "
        "AS campaign_id, coalesce(NEW.lesson_id, 0) AS lesson_id, date(NEW.planned_at) AS day, 'mail ' || "
        "CASE WHEN NEW.state IN ('planned', 'submitting') THEN 'open' ELSE NEW.state END AS metric, 1 WHERE 1"
        " = 1; INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT "
        "coalesce(OLD.campaign_id, 0) AS campaign_id, coalesce(OLD.lesson_id, 0) AS lesson_id, "
        "date(OLD.planned_at) AS day, 'mail ' || CASE WHEN OLD.state IN ('planned', 'submitting') THEN 'open'"
        " ELSE OLD.state END AS metric, -1 WHERE 1 = 1; END"
    ),
    (
        "CREATE TRIGGER counter_delivery_delete AFTER delete ON delivery BEGIN INSERT INTO counter_delta "
        "(campaign_id, lesson_id, day, metric, count) SELECT coalesce(OLD.campaign_id, 0) AS campaign_id, "
        "coalesce(OLD.lesson_id, 0) AS lesson_id, date(OLD.planned_at) AS day, 'mail ' || CASE WHEN OLD.state"
        " IN ('planned', 'submitting') THEN 'open' ELSE OLD.state END AS metric, -1 WHERE 1 = 1; END"
    ),
    (
        "CREATE TRIGGER counter_email_event_insert AFTER insert ON email_event BEGIN INSERT INTO "
        "counter_delta (campaign_id, lesson_id, day, metric, count) SELECT coalesce(d.campaign_id, 0) AS "
        "campaign_id, coalesce(d.lesson_id, 0) AS lesson_id, date(NEW.at) AS day, 'event ' || NEW.kind || ' '"
        " || NEW.verdict AS metric, 1 FROM delivery d WHERE d.id = NEW.delivery_id AND NEW.is_first; END"
    ),
    (
        "CREATE TRIGGER counter_email_event_update AFTER update OF verdict ON email_event BEGIN INSERT INTO "
        "counter_delta (campaign_id, lesson_id, day, metric, count) SELECT coalesce(d.campaign_id, 0) AS "
        "campaign_id, coalesce(d.lesson_id, 0) AS lesson_id, date(NEW.at) AS day, 'event ' || NEW.kind || ' '"
        " || NEW.verdict AS metric, 1 FROM delivery d WHERE d.id = NEW.delivery_id AND NEW.is_first; INSERT "
        "INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT coalesce(d.campaign_id, 0) AS"
        " campaign_id, coalesce(d.lesson_id, 0) AS lesson_id, date(OLD.at) AS day, 'event ' || OLD.kind || ' "
        "' || OLD.verdict AS metric, -1 FROM delivery d WHERE d.id = OLD.delivery_id AND OLD.is_first; END"
    ),
    (
        "CREATE TRIGGER counter_answer_insert AFTER insert ON answer BEGIN INSERT INTO counter_delta "
        "(campaign_id, lesson_id, day, metric, count) SELECT coalesce(d.campaign_id, 0) AS campaign_id, "
        "coalesce(d.lesson_id, 0) AS lesson_id, date(NEW.first_at) AS day, 'option ' || NEW.question || ' ' "
        "|| NEW.first_option || CASE WHEN NEW.first_correct THEN ' right' ELSE ' wrong' END AS metric, 1 FROM"
        " delivery d WHERE d.id = NEW.delivery_id AND NEW.verdict <> 'machine' AND NOT NEW.is_excluded; END"
    ),
    (
        "CREATE TRIGGER counter_answer_update AFTER update OF verdict, is_excluded ON answer BEGIN INSERT "
        "INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT coalesce(d.campaign_id, 0) AS"
        " campaign_id, coalesce(d.lesson_id, 0) AS lesson_id, date(NEW.first_at) AS day, 'option ' || "
        "NEW.question || ' ' || NEW.first_option || CASE WHEN NEW.first_correct THEN ' right' ELSE ' wrong' "
        "END AS metric, 1 FROM delivery d WHERE d.id = NEW.delivery_id AND NEW.verdict <> 'machine' AND NOT "
        "NEW.is_excluded; INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT "
        "coalesce(d.campaign_id, 0) AS campaign_id, coalesce(d.lesson_id, 0) AS lesson_id, date(OLD.first_at)"
        " AS day, 'option ' || OLD.question || ' ' || OLD.first_option || CASE WHEN OLD.first_correct THEN ' "
        "right' ELSE ' wrong' END AS metric, -1 FROM delivery d WHERE d.id = OLD.delivery_id AND OLD.verdict "
        "<> 'machine' AND NOT OLD.is_excluded; END"
    ),
    (
        "CREATE TRIGGER counter_answer_delete AFTER delete ON answer BEGIN INSERT INTO counter_delta "
        "(campaign_id, lesson_id, day, metric, count) SELECT coalesce(d.campaign_id, 0) AS campaign_id, "
        "coalesce(d.lesson_id, 0) AS lesson_id, date(OLD.first_at) AS day, 'option ' || OLD.question || ' ' "
        "|| OLD.first_option || CASE WHEN OLD.first_correct THEN ' right' ELSE ' wrong' END AS metric, -1 "
        "FROM delivery d WHERE d.id = OLD.delivery_id AND OLD.verdict <> 'machine' AND NOT OLD.is_excluded; "
        "END"
    ),
    (
        "CREATE TRIGGER counter_feedback_insert AFTER insert ON feedback BEGIN INSERT INTO counter_delta "
        "(campaign_id, lesson_id, day, metric, count) SELECT 0 AS campaign_id, NEW.lesson_id AS lesson_id, "
        "date(NEW.at) AS day, CASE WHEN NEW.helped THEN 'helped' ELSE 'not helped' END AS metric, 1 WHERE 1 ="
        " 1; END"
    ),
    (
        "CREATE TRIGGER counter_feedback_update AFTER update OF helped ON feedback BEGIN INSERT INTO "
        "counter_delta (campaign_id, lesson_id, day, metric, count) SELECT 0 AS campaign_id, NEW.lesson_id AS"
        " lesson_id, date(NEW.at) AS day, CASE WHEN NEW.helped THEN 'helped' ELSE 'not helped' END AS metric,"
        " 1 WHERE 1 = 1; INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT 0 AS "
        "campaign_id, OLD.lesson_id AS lesson_id, date(OLD.at) AS day, CASE WHEN OLD.helped THEN 'helped' "
        "ELSE 'not helped' END AS metric, -1 WHERE 1 = 1; END"
    ),
    (
        "CREATE TRIGGER counter_feedback_delete AFTER delete ON feedback BEGIN INSERT INTO counter_delta "
        "(campaign_id, lesson_id, day, metric, count) SELECT 0 AS campaign_id, OLD.lesson_id AS lesson_id, "
        "date(OLD.at) AS day, CASE WHEN OLD.helped THEN 'helped' ELSE 'not helped' END AS metric, -1 WHERE 1 "
        "= 1; END"
    ),
    (
        "CREATE TRIGGER counter_enrolment_insert AFTER insert ON enrolment BEGIN INSERT INTO counter_delta "
        "(campaign_id, lesson_id, day, metric, count) SELECT NEW.campaign_id AS campaign_id, 0 AS lesson_id, "
        "date(NEW.started_at) AS day, 'reader ' || NEW.status AS metric, 1 WHERE 1 = 1; END"
    ),
    (
        "CREATE TRIGGER counter_enrolment_update AFTER update OF status ON enrolment BEGIN INSERT INTO "
        "counter_delta (campaign_id, lesson_id, day, metric, count) SELECT NEW.campaign_id AS campaign_id, 0 "
        "AS lesson_id, date(NEW.started_at) AS day, 'reader ' || NEW.status AS metric, 1 WHERE 1 = 1; INSERT "
        "INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT OLD.campaign_id AS "
        "campaign_id, 0 AS lesson_id, date(OLD.started_at) AS day, 'reader ' || OLD.status AS metric, -1 "
        "WHERE 1 = 1; END"
    ),
    (
        "CREATE TRIGGER counter_enrolment_delete AFTER delete ON enrolment BEGIN INSERT INTO counter_delta "
        "(campaign_id, lesson_id, day, metric, count) SELECT OLD.campaign_id AS campaign_id, 0 AS lesson_id, "
        "date(OLD.started_at) AS day, 'reader ' || OLD.status AS metric, -1 WHERE 1 = 1; END"
    ),
    (
        "CREATE TRIGGER counter_subscriber_insert AFTER insert ON subscriber BEGIN INSERT INTO counter_delta "
        "(campaign_id, lesson_id, day, metric, count) SELECT 0 AS campaign_id, 0 AS lesson_id, "
        "date(NEW.created_at) AS day, 'subscriber ' || NEW.status AS metric, 1 WHERE 1 = 1; END"
    ),
    (
        "CREATE TRIGGER counter_subscriber_update AFTER update OF status ON subscriber BEGIN INSERT INTO "
        "counter_delta (campaign_id, lesson_id, day, metric, count) SELECT 0 AS campaign_id, 0 AS lesson_id, "
        "date(NEW.created_at) AS day, 'subscriber ' || NEW.status AS metric, 1 WHERE 1 = 1; INSERT INTO "
        "counter_delta (campaign_id, lesson_id, day, metric, count) SELECT 0 AS campaign_id, 0 AS lesson_id, "
        "date(OLD.created_at) AS day, 'subscriber ' || OLD.status AS metric, -1 WHERE 1 = 1; END"
    ),
    (
        "CREATE TRIGGER counter_subscriber_delete AFTER delete ON subscriber BEGIN INSERT INTO counter_delta "
        "(campaign_id, lesson_id, day, metric, count) SELECT 0 AS campaign_id, 0 AS lesson_id, "
        "date(OLD.created_at) AS day, 'subscriber ' || OLD.status AS metric, -1 WHERE 1 = 1; END"
    ),
    (
        "CREATE TRIGGER counter_assessment_attempt_insert AFTER insert ON assessment_attempt BEGIN INSERT "
        "INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT 0 AS campaign_id, 0 AS "
        "lesson_id, date(NEW.at) AS day, 'test ' || NEW.stage || ' ' || NEW.course_id AS metric, 1 WHERE 1 = "
        "1; END"
    ),
    (
        "CREATE TRIGGER counter_assessment_attempt_update AFTER update OF stage ON assessment_attempt BEGIN "
        "INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT 0 AS campaign_id, 0 AS"
        " lesson_id, date(NEW.at) AS day, 'test ' || NEW.stage || ' ' || NEW.course_id AS metric, 1 WHERE 1 ="
        " 1; INSERT INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT 0 AS campaign_id, "
        "0 AS lesson_id, date(OLD.at) AS day, 'test ' || OLD.stage || ' ' || OLD.course_id AS metric, -1 "
        "WHERE 1 = 1; END"
    ),
    (
        "CREATE TRIGGER counter_assessment_attempt_delete AFTER delete ON assessment_attempt BEGIN INSERT "
        "INTO counter_delta (campaign_id, lesson_id, day, metric, count) SELECT 0 AS campaign_id, 0 AS "
        "lesson_id, date(OLD.at) AS day, 'test ' || OLD.stage || ' ' || OLD.course_id AS metric, -1 WHERE 1 ="
        " 1; END"
    ),
)
