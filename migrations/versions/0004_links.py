"""Tracking links, and who followed them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "link",
        sa.Column("code", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("sku", TEXT, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("link_pkey")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("link_event", "link", ["event", "code"])
    op.create_table(
        "touch",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("touch_pkey")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("touch_expires", "touch", ["expires_at"])
