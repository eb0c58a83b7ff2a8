"""Lanes by what an effect may have to wait for."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE effects SET lane = 'cloud' WHERE kind = 'grant.converge'")
    op.execute("UPDATE effects SET lane = 'people' WHERE kind = 'grant.start'")


def downgrade() -> None:
    op.execute("UPDATE effects SET lane = 'access' WHERE lane NOT IN ('access', 'chat')")
