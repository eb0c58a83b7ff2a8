"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _requests()
    _approvals()
    _grants()
    _effects()
    _step_up()
    _enrolments()
    _notes()
    _audit()
    if op.get_bind().dialect.name == "sqlite":
        _append_only_on_sqlite()
    else:
        _append_only_on_postgresql()


def downgrade() -> None:
    for table in (
        *("audit_head", "audit_log", "facts", "messages", "drafts", "once_keys", "invites", "enrolments", "step_ups"),
        *("authenticators", "effects", "grants", "approvals", "request_approvers", "requests"),
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION prodaccess_append_only")


def _text(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _time(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _number(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _bytes(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _ask() -> list[sa.Column[Any]]:
    return [
        _text("requester"),
        _text("role"),
        _text("account"),
        sa.Column("params", sa.JSON(), nullable=False),
        _text("work"),
        _number("duration_seconds"),
        _text("reason"),
        _text("ticket"),
        _time("start_at", nullable=True),
    ]


def _index(name: str, table: str, columns: list[str], *, where: str = "", unique: bool = False) -> None:
    condition = sa.text(where) if where else None
    op.create_index(name, table, [*columns], unique=unique, postgresql_where=condition, sqlite_where=condition)


def _requests() -> None:
    op.create_table(
        "requests",
        _text("id"),
        *_ask(),
        _text("status"),
        _time("asked_at"),
        _time("lapses_at"),
        _text("principal"),
        _text("policy"),
        _text("catalogue_digest"),
        _text("channel"),
        _count("quorum"),
        _time("decided_at", nullable=True),
        _text("decided_by", nullable=True),
        _text("decision_note"),
        _count("version"),
        sa.PrimaryKeyConstraint("id", name="requests_pk"),
    )
    _index("requests_requester_asked_at", "requests", ["requester", "asked_at"])
    _index("requests_asked_at", "requests", ["asked_at"])
    _index("requests_decided_at", "requests", ["decided_at"])
    _index("requests_pending", "requests", ["asked_at"], where="status = 'pending'")


def _approvals() -> None:
    op.create_table(
        "request_approvers",
        _text("request_id"),
        _text("person"),
        _count("position"),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name="request_approvers_request_id_fk"),
        sa.PrimaryKeyConstraint("request_id", "person", name="request_approvers_pk"),
    )
    _index("request_approvers_person", "request_approvers", ["person", "request_id"])
    op.create_table(
        "approvals",
        _text("request_id"),
        _text("person"),
        _time("at"),
        _time("stepped_up_at", nullable=True),
        _count("position"),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name="approvals_request_id_fk"),
        sa.PrimaryKeyConstraint("request_id", "person", name="approvals_pk"),
    )


def _grants() -> None:
    op.create_table(
        "grants",
        _text("id"),
        _text("request_id"),
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
        _count("version"),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name="grants_request_id_fk"),
        sa.PrimaryKeyConstraint("id", name="grants_pk"),
        sa.UniqueConstraint("request_id", "account", name="grants_request_id_account_key"),
    )
    _index("grants_unfinished", "grants", ["expires_at"], where="status <> 'ended'")
    _index("grants_unfinished_person", "grants", ["person"], where="status <> 'ended'")
    _index("grants_revoking", "grants", ["revoking_since"], where="status = 'revoking'")
    _index("grants_ended_at", "grants", ["ended_at"])


def _effects() -> None:
    op.create_table(
        "effects",
        sa.Column("id", BIG_ID, sa.Identity(), nullable=False),
        _text("kind"),
        _text("lane"),
        _text("subject"),
        _text("key"),
        sa.Column("payload", sa.JSON(), nullable=False),
        _time("due_at"),
        _time("lease_until", nullable=True),
        _number("fence"),
        _number("generation"),
        _number("claimed_generation"),
        _count("attempts"),
        _text("last_error"),
        sa.PrimaryKeyConstraint("id", name="effects_pk"),
        sa.UniqueConstraint("key", name="effects_key_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("effects_claimable", "effects", ["lane", sa.text("coalesce(lease_until, due_at)"), "id"])


def _step_up() -> None:
    op.create_table(
        "authenticators",
        _text("person"),
        _bytes("sealed"),
        _text("key_id"),
        _time("enrolled_at"),
        _text("vouched_by"),
        _number("last_timecode"),
        _count("failures"),
        _time("locked_until", nullable=True),
        sa.PrimaryKeyConstraint("person", name="authenticators_pk"),
    )
    op.create_table(
        "step_ups",
        _text("id"),
        _text("person"),
        _time("at"),
        _text("confirms"),
        sa.PrimaryKeyConstraint("id", name="step_ups_pk"),
    )
    _index("step_ups_person_at", "step_ups", ["person", "at"])


def _enrolments() -> None:
    op.create_table(
        "enrolments",
        _text("id"),
        _text("person"),
        _text("status"),
        _time("requested_at"),
        _time("expires_at"),
        _text("vouched_by"),
        _bytes("sealed"),
        _text("key_id"),
        _number("first_timecode"),
        _count("failures"),
        _time("locked_until", nullable=True),
        _text("link_hash"),
        _count("version"),
        sa.PrimaryKeyConstraint("id", name="enrolments_pk"),
    )
    _index("enrolments_person_requested_at", "enrolments", ["person", "requested_at"])
    _index("enrolments_link_hash", "enrolments", ["link_hash"], where="link_hash <> ''", unique=True)
    op.create_table(
        "invites",
        _text("code_hash"),
        _text("person"),
        _time("expires_at"),
        _time("used_at", nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name="invites_pk"),
    )


def _notes() -> None:
    op.create_table("once_keys", _text("key"), _time("until"), sa.PrimaryKeyConstraint("key", name="once_keys_pk"))
    _index("once_keys_until", "once_keys", ["until"])
    op.create_table(
        "drafts",
        _text("id"),
        _text("person"),
        *_ask(),
        _time("made_at"),
        sa.PrimaryKeyConstraint("id", name="drafts_pk"),
    )
    _index("drafts_made_at", "drafts", ["made_at"])
    op.create_table(
        "messages",
        _text("subject"),
        _text("kind"),
        _text("destination"),
        _text("channel"),
        _text("ref"),
        _text("shown"),
        sa.PrimaryKeyConstraint("subject", "kind", "destination", name="messages_pk"),
    )
    op.create_table("facts", _text("key"), _text("value"), sa.PrimaryKeyConstraint("key", name="facts_pk"))


def _audit() -> None:
    op.create_table(
        "audit_log",
        sa.Column("seq", BIG_ID, autoincrement=False, nullable=False),
        _time("at"),
        _text("tag"),
        _text("actor_id"),
        _text("person"),
        _text("request_id"),
        _text("grant_id"),
        _text("account"),
        _bytes("body"),
        _bytes("leaf"),
        _bytes("chain"),
        sa.PrimaryKeyConstraint("seq", name="audit_log_pk"),
    )
    _index("audit_log_at", "audit_log", ["at"])
    _index("audit_log_request_id", "audit_log", ["request_id"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        _number("seq"),
        _bytes("chain"),
        sa.PrimaryKeyConstraint("id", name="audit_head_pk"),
        sa.CheckConstraint("id = 1", name="audit_head_one_row_check"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "chain": bytes(32)}])


def _append_only_on_sqlite() -> None:
    refuse = "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    for name, when in (
        ("audit_log_no_update", "BEFORE UPDATE ON audit_log"),
        ("audit_log_no_delete", "BEFORE DELETE ON audit_log"),
        # REPLACE deletes without a delete trigger.
        (
            "audit_log_no_replace",
            "BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM audit_log WHERE seq = NEW.seq)",
        ),
        ("audit_head_no_return", "BEFORE UPDATE ON audit_head WHEN NEW.seq <= OLD.seq"),
        ("audit_head_no_delete", "BEFORE DELETE ON audit_head"),
    ):
        op.execute(f"CREATE TRIGGER {name} {when} {refuse.format(table=name[: name.index('_no_')])}")


def _append_only_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION prodaccess_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$"
    )
    for name, when in (
        ("audit_log_append_only", "BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log FOR EACH STATEMENT"),
        ("audit_head_no_return", "BEFORE UPDATE ON audit_head FOR EACH ROW WHEN (NEW.seq <= OLD.seq)"),
        ("audit_head_no_delete", "BEFORE DELETE OR TRUNCATE ON audit_head FOR EACH STATEMENT"),
    ):
        op.execute(f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION prodaccess_append_only()")
