"""Several targets of one request, the ways without an approver, reviews, absences and favourites."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON(), nullable=False, server_default="[]")


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=False, server_default="")


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def _further_ask_columns() -> list[sa.Column[Any]]:
    return [_json("more"), _flag("break_glass"), _text("extends")]


def _partial(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], postgresql_where=sa.text(where), sqlite_where=sa.text(where))


def upgrade() -> None:
    for table in ("requests", "drafts"):
        for column in _further_ask_columns():
            op.add_column(table, column)
    for column in (
        *(_json("parts"), _json("denials"), _text("claimed_by"), _text("reviewed_by"), _text("review_note")),
        sa.Column("way", sa.Text(), nullable=False, server_default="approvers"),
        sa.Column("review_due_at", TIME, nullable=True),
        sa.Column("reviewed_at", TIME, nullable=True),
        _flag("review_objects"),
    ):
        op.add_column("requests", column)
    _partial("requests_review_owed", "requests", "review_due_at", "review_due_at IS NOT NULL AND reviewed_at IS NULL")
    _partial("requests_extends", "requests", "extends", "extends <> ''")
    op.create_index("approvals_person_at", "approvals", ["person", "at"])
    # SQLite changes a table by writing it anew.
    with op.batch_alter_table("grants") as grants:
        grants.add_column(sa.Column("item", sa.Integer(), nullable=False, server_default="0"))
        grants.drop_constraint("grants_request_id_account_key", type_="unique")
        grants.create_unique_constraint("grants_request_id_item_key", ["request_id", "item"])
    _partial("grants_unfinished_role", "grants", "role", "status <> 'ended'")
    op.create_table(
        "absences",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.Column("delegate", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("person", name="absences_pk"),
    )
    op.create_table(
        "favourites",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("requester", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("work", sa.Text(), nullable=False),
        sa.Column("duration_seconds", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ticket", sa.Text(), nullable=False),
        sa.Column("start_at", TIME, nullable=True),
        *_further_ask_columns(),
        sa.Column("kept_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="favourites_pk"),
    )
    op.create_index("favourites_requester", "favourites", ["requester", "kept_at"])


def downgrade() -> None:
    op.drop_table("favourites")
    op.drop_table("absences")
    op.drop_index("grants_unfinished_role", "grants")
    with op.batch_alter_table("grants") as grants:
        grants.drop_constraint("grants_request_id_item_key", type_="unique")
        grants.create_unique_constraint("grants_request_id_account_key", ["request_id", "account"])
        grants.drop_column("item")
    op.drop_index("approvals_person_at", "approvals")
    op.drop_index("requests_extends", "requests")
    op.drop_index("requests_review_owed", "requests")
    for column in ("review_objects", "reviewed_at", "review_due_at", "way", "review_note", "reviewed_by"):
        op.drop_column("requests", column)
    for column in ("claimed_by", "denials", "parts"):
        op.drop_column("requests", column)
    for table in ("requests", "drafts"):
        for column in ("extends", "break_glass", "more"):
            op.drop_column(table, column)
