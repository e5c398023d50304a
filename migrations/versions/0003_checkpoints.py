"""Signed hashes of journals, and the keys that signed them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SQLITE: dict[str, Any] = {"sqlite_strict": True, "sqlite_with_rowid": False}


def upgrade() -> None:
    op.create_table(
        "checkpoint",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("made_at", BIG, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("position > 0", name=op.f("checkpoint_position_positive")),
        sa.CheckConstraint("length(hash) = 32", name=op.f("checkpoint_hash_size")),
        sa.CheckConstraint("length(signature) = 64", name=op.f("checkpoint_signature_size")),
        sa.PrimaryKeyConstraint("event", "position", name=op.f("checkpoint_pkey")),
        **SQLITE,
    )
    op.create_table(
        "checkpoint_key",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("public", sa.LargeBinary, nullable=False),
        sa.Column("made_at", BIG, nullable=False),
        sa.CheckConstraint("length(public) = 32", name=op.f("checkpoint_key_public_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("checkpoint_key_pkey")),
        **SQLITE,
    )
