"""The tables. ``migrations/`` makes them; a test compares both."""

from typing import Any

import sqlalchemy as sa

from bot.store.columns import CleanText, Plain, Seconds, Strings, UtcTime

metadata = sa.MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite numbers rows by itself only where the type is spelled INTEGER."""


def _text(name: str, *args: Any, **options: Any) -> sa.Column[str]:
    return sa.Column(name, CleanText(name), *args, nullable=options.pop("nullable", False), **options)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UtcTime(name), nullable=nullable)


def _ask_columns() -> list[sa.Column[Any]]:
    """What ``Ask`` holds, one column each."""
    return [
        _text("requester"),
        _text("role"),
        _text("account"),
        sa.Column("params", Strings("params"), nullable=False),
        _text("work"),
        sa.Column("duration_seconds", Seconds("duration"), nullable=False),
        _text("reason"),
        _text("ticket"),
        _time("start_at", nullable=True),
        sa.Column("more", Plain("more"), nullable=False, server_default="[]"),
        sa.Column("break_glass", sa.Boolean, nullable=False, server_default=sa.false()),
        _text("extends", server_default=""),
    ]


requests = sa.Table(
    "requests",
    metadata,
    _text("id", primary_key=True),
    *_ask_columns(),
    _text("status"),
    _time("asked_at"),
    _time("lapses_at"),
    _text("principal"),
    _text("policy"),
    _text("catalogue_digest"),
    _text("channel"),
    sa.Column("quorum", sa.Integer, nullable=False),
    _time("decided_at", nullable=True),
    _text("decided_by", nullable=True),
    _text("decision_note"),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("parts", Plain("parts"), nullable=False, server_default="[]"),
    _text("way", server_default="approvers"),
    sa.Column("denials", Plain("denials"), nullable=False, server_default="[]"),
    _text("claimed_by", server_default=""),
    _time("review_due_at", nullable=True),
    _time("reviewed_at", nullable=True),
    _text("reviewed_by", server_default=""),
    sa.Column("review_objects", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("review_note", server_default=""),
)
sa.Index("requests_requester_asked_at", requests.c.requester, requests.c.asked_at)
sa.Index("requests_asked_at", requests.c.asked_at)
sa.Index("requests_decided_at", requests.c.decided_at)
sa.Index(
    "requests_pending",
    requests.c.asked_at,
    postgresql_where=sa.text("status = 'pending'"),
    sqlite_where=sa.text("status = 'pending'"),
)
sa.Index(
    "requests_review_owed",
    requests.c.review_due_at,
    postgresql_where=sa.text("review_due_at IS NOT NULL AND reviewed_at IS NULL"),
    sqlite_where=sa.text("review_due_at IS NOT NULL AND reviewed_at IS NULL"),
)
sa.Index(
    "requests_extends",
    requests.c.extends,
    postgresql_where=sa.text("extends <> ''"),
    sqlite_where=sa.text("extends <> ''"),
)

request_approvers = sa.Table(
    "request_approvers",
    metadata,
    _text("request_id", sa.ForeignKey("requests.id"), primary_key=True),
    _text("person", primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
)
sa.Index("request_approvers_person", request_approvers.c.person, request_approvers.c.request_id)

approvals = sa.Table(
    "approvals",
    metadata,
    _text("request_id", sa.ForeignKey("requests.id"), primary_key=True),
    _text("person", primary_key=True),
    _time("at"),
    _time("stepped_up_at", nullable=True),
    sa.Column("position", sa.Integer, nullable=False),
)
sa.Index("approvals_person_at", approvals.c.person, approvals.c.at)

grants = sa.Table(
    "grants",
    metadata,
    _text("id", primary_key=True),
    _text("request_id", sa.ForeignKey("requests.id")),
    _text("person"),
    _text("role"),
    _text("account"),
    _text("provider"),
    _text("principal"),
    _text("policy"),
    _text("digest"),
    _text("status"),
    _time("starts_at"),
    _time("expires_at"),
    _time("granted_at", nullable=True),
    _time("revoking_since", nullable=True),
    _time("ended_at", nullable=True),
    _text("end_reason", nullable=True),
    _text("ended_by", nullable=True),
    _text("end_note"),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("item", sa.Integer, nullable=False, server_default="0"),
    sa.UniqueConstraint("request_id", "item"),
)
sa.Index(
    "grants_unfinished",
    grants.c.expires_at,
    postgresql_where=sa.text("status <> 'ended'"),
    sqlite_where=sa.text("status <> 'ended'"),
)
sa.Index(
    "grants_unfinished_person",
    grants.c.person,
    postgresql_where=sa.text("status <> 'ended'"),
    sqlite_where=sa.text("status <> 'ended'"),
)
sa.Index(
    "grants_revoking",
    grants.c.revoking_since,
    postgresql_where=sa.text("status = 'revoking'"),
    sqlite_where=sa.text("status = 'revoking'"),
)
sa.Index("grants_ended_at", grants.c.ended_at)
sa.Index(
    "grants_unfinished_role",
    grants.c.role,
    postgresql_where=sa.text("status <> 'ended'"),
    sqlite_where=sa.text("status <> 'ended'"),
)
sa.Index(
    "grants_unfinished_principal",
    grants.c.account,
    grants.c.principal,
    postgresql_where=sa.text("status <> 'ended'"),
    sqlite_where=sa.text("status <> 'ended'"),
)

strays = sa.Table(
    "strays",
    metadata,
    _text("id", primary_key=True),
    _text("account"),
    _text("provider"),
    _text("principal"),
    _text("name"),
    _text("kind"),
    _text("text"),
    _text("person"),
    _time("found_at"),
    _text("grant_id"),
    _time("quarantined_at", nullable=True),
    _text("problem"),
    _text("fate", nullable=True),
    _time("decided_at", nullable=True),
    _text("settled_by"),
    _time("settled_at", nullable=True),
    sa.Column("version", sa.Integer, nullable=False),
)
sa.Index(
    "strays_unsettled",
    strays.c.account,
    strays.c.principal,
    strays.c.name,
    unique=True,
    postgresql_where=sa.text("settled_at IS NULL"),
    sqlite_where=sa.text("settled_at IS NULL"),
)

catalogues = sa.Table(
    "catalogues",
    metadata,
    _text("id", primary_key=True),
    _text("digest"),
    _text("before"),
    _text("content"),
    _text("status"),
    sa.Column("guarded", sa.Boolean, nullable=False),
    _time("seen_at"),
    _time("decided_at", nullable=True),
    _text("decided_by"),
    _text("signature"),
    sa.Column("version", sa.Integer, nullable=False),
)
sa.Index("catalogues_digest", catalogues.c.digest, catalogues.c.seen_at)
sa.Index(
    "catalogues_standing",
    catalogues.c.status,
    unique=True,
    postgresql_where=sa.text("status IN ('live', 'waiting')"),
    sqlite_where=sa.text("status IN ('live', 'waiting')"),
)

effects = sa.Table(
    "effects",
    metadata,
    sa.Column("id", BigId, sa.Identity(), primary_key=True),
    _text("kind"),
    _text("lane"),
    _text("subject"),
    _text("key", unique=True),
    sa.Column("payload", Strings("payload"), nullable=False),
    _time("due_at"),
    _time("lease_until", nullable=True),
    sa.Column("fence", sa.BigInteger, nullable=False, default=0),
    sa.Column("generation", sa.BigInteger, nullable=False, default=1),
    sa.Column("claimed_generation", sa.BigInteger, nullable=False, default=0),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    _text("last_error", default=""),
    _text("who", server_default=""),
    sqlite_autoincrement=True,
)
claimable_at = sa.func.coalesce(effects.c.lease_until, effects.c.due_at)
"""From when on an effect may be claimed."""
sa.Index("effects_claimable", effects.c.lane, claimable_at, effects.c.id)
sa.Index(
    "effects_who",
    effects.c.who,
    effects.c.kind,
    effects.c.due_at,
    postgresql_where=sa.text("who <> ''"),
    sqlite_where=sa.text("who <> ''"),
)

digest_lines = sa.Table(
    "digest_lines",
    metadata,
    _text("key", primary_key=True),
    _text("who"),
    sa.Column("number", sa.BigInteger, nullable=False),
    _text("outcome"),
    _text("subject"),
    _time("added_at"),
    sa.Column("tried", sa.Boolean, nullable=False),
    _text("message"),
)
sa.Index("digest_lines_who", digest_lines.c.who, digest_lines.c.added_at)
sa.Index("digest_lines_message", digest_lines.c.message, digest_lines.c.number)

once_keys = sa.Table("once_keys", metadata, _text("key", primary_key=True), _time("until"))
sa.Index("once_keys_until", once_keys.c.until)

drafts = sa.Table(
    "drafts",
    metadata,
    _text("id", primary_key=True),
    _text("person"),
    *_ask_columns(),
    _time("made_at"),
)
sa.Index("drafts_made_at", drafts.c.made_at)

absences = sa.Table(
    "absences",
    metadata,
    _text("person", primary_key=True),
    _time("since"),
    _time("until"),
    _text("delegate", nullable=True),
)

favourites = sa.Table(
    "favourites",
    metadata,
    _text("id", primary_key=True),
    _text("title"),
    *_ask_columns(),
    _time("kept_at"),
)
sa.Index("favourites_requester", favourites.c.requester, favourites.c.kept_at)

authenticators = sa.Table(
    "authenticators",
    metadata,
    _text("person", primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    _text("key_id"),
    _time("enrolled_at"),
    _text("vouched_by"),
    sa.Column("last_timecode", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    _time("locked_until", nullable=True),
)

step_ups = sa.Table(
    "step_ups",
    metadata,
    _text("id", primary_key=True),
    _text("person"),
    _time("at"),
    _text("confirms"),
)
sa.Index("step_ups_person_at", step_ups.c.person, step_ups.c.at)

enrolments = sa.Table(
    "enrolments",
    metadata,
    _text("id", primary_key=True),
    _text("person"),
    _text("status"),
    _time("requested_at"),
    _time("expires_at"),
    _text("vouched_by"),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    _text("key_id"),
    sa.Column("first_timecode", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    _time("locked_until", nullable=True),
    _text("link_hash"),
    sa.Column("version", sa.Integer, nullable=False),
)
sa.Index("enrolments_person_requested_at", enrolments.c.person, enrolments.c.requested_at)
sa.Index(
    "enrolments_link_hash",
    enrolments.c.link_hash,
    unique=True,
    postgresql_where=sa.text("link_hash <> ''"),
    sqlite_where=sa.text("link_hash <> ''"),
)

invites = sa.Table(
    "invites",
    metadata,
    _text("code_hash", primary_key=True),
    _text("person"),
    _time("expires_at"),
    _time("used_at", nullable=True),
)

messages = sa.Table(
    "messages",
    metadata,
    _text("subject", primary_key=True),
    _text("kind", primary_key=True),
    _text("destination", primary_key=True),
    _text("channel"),
    _text("ref"),
    _text("shown"),
)

facts = sa.Table("facts", metadata, _text("key", primary_key=True), _text("value"))

audit_log = sa.Table(
    "audit_log",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=False),
    _time("at"),
    _text("tag"),
    _text("actor_id"),
    _text("person"),
    _text("request_id"),
    _text("grant_id"),
    _text("account"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("chain", sa.LargeBinary, nullable=False),
)
sa.Index("audit_log_at", audit_log.c.at)
sa.Index("audit_log_request_id", audit_log.c.request_id)

audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, sa.CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("chain", sa.LargeBinary, nullable=False),
)
