"""Postings by account."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("posting_account", "posting", ["event", "account", "position"])
