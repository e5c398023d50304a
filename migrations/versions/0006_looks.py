"""How an event's pages look, and the pictures and fonts that it names."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "look",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("look_pkey")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "asset",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", "event", name=op.f("asset_pkey")),
        sqlite_strict=True,
    )
    op.create_index("asset_event", "asset", ["event"])
