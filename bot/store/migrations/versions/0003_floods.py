"""Whom a message goes to, and the lines of digests."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("effects", sa.Column("who", sa.Text, nullable=False, server_default=""))
    somebody = sa.text("who <> ''")
    op.create_index(
        "effects_who", "effects", ["who", "kind", "due_at"], postgresql_where=somebody, sqlite_where=somebody
    )
    op.create_table(
        "digest_lines",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried", sa.Boolean, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="digest_lines_pk"),
    )
    op.create_index("digest_lines_who", "digest_lines", ["who", "added_at"])
    op.create_index("digest_lines_message", "digest_lines", ["message", "number"])


def downgrade() -> None:
    op.drop_table("digest_lines")
    op.drop_index("effects_who", "effects")
    op.drop_column("effects", "who")
