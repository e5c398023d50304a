"""Events whose journal does not verify: they take nothing more until somebody has looked."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "quarantine",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("detail", TEXT, nullable=False),
        sa.Column("found_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("quarantine_pkey")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
