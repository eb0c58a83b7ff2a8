"""What access.yaml said: the version that is live, the one that waits for somebody's word, and those before."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "catalogues",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("guarded", sa.Boolean(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="catalogues_pk"),
    )
    op.create_index("catalogues_digest", "catalogues", ["digest", "seen_at"])
    op.create_index(
        "catalogues_standing",
        "catalogues",
        ["status"],
        unique=True,
        postgresql_where=sa.text("status IN ('live', 'waiting')"),
        sqlite_where=sa.text("status IN ('live', 'waiting')"),
    )


def downgrade() -> None:
    op.drop_index("catalogues_standing", "catalogues")
    op.drop_index("catalogues_digest", "catalogues")
    op.drop_table("catalogues")
