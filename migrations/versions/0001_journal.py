"""The journal, its postings and heads, stored states, keys, tokens, profiles, secrets; and the guards."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations import guards

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SQLITE: dict[str, Any] = {"sqlite_strict": True, "sqlite_with_rowid": False}


def upgrade() -> None:
    _create_head_and_entry()
    _create_posting_and_state()
    _create_other_tables()
    for statement in guards.POSTGRESQL if op.get_bind().dialect.name == "postgresql" else guards.SQLITE:
        op.get_bind().exec_driver_sql(statement)


def _create_head_and_entry() -> None:
    op.create_table(
        "head",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("brand", TEXT, nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.CheckConstraint("position >= 0", name=op.f("head_position_positive")),
        sa.CheckConstraint("length(hash) = 32", name=op.f("head_hash_size")),
        sa.PrimaryKeyConstraint("event", name=op.f("head_pkey")),
        postgresql_with={"fillfactor": 20},
        **SQLITE,
    )
    op.create_index("head_brand", "head", ["brand"])
    op.create_table(
        "entry",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("occurred_at", BIG, nullable=False),
        sa.Column("recorded_at", BIG, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("about", TEXT),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("prev_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("position > 0", name=op.f("entry_position_positive")),
        sa.CheckConstraint("length(prev_hash) = 32", name=op.f("entry_prev_hash_size")),
        sa.CheckConstraint("length(hash) = 32", name=op.f("entry_hash_size")),
        sa.PrimaryKeyConstraint("event", "position", name=op.f("entry_pkey")),
        **SQLITE,
    )
    op.create_index("entry_key", "entry", ["key", "event"], unique=True)
    spoken_about = sa.text("about IS NOT NULL")
    op.create_index(
        "entry_about",
        "entry",
        ["about", "event"],
        postgresql_where=spoken_about,
        sqlite_where=spoken_about,
    )
    terms = sa.text("kind IN ('event.created', 'event.moved', 'rules.changed')")
    op.create_index("entry_terms", "entry", ["event", "position"], postgresql_where=terms, sqlite_where=terms)


def _create_posting_and_state() -> None:
    op.create_table(
        "posting",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("leg", sa.Integer, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.CheckConstraint("leg > 0", name=op.f("posting_leg_positive")),
        sa.CheckConstraint("amount <> 0", name=op.f("posting_amount_not_zero")),
        sa.PrimaryKeyConstraint("event", "position", "leg", name=op.f("posting_pkey")),
        **SQLITE,
    )
    op.create_table(
        "state",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("position", BIG, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("event", "position", name=op.f("state_pkey")),
        sqlite_strict=True,
    )


def _create_other_tables() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("brand", TEXT, nullable=False),
        sa.Column("person", TEXT, nullable=False),
        sa.Column("scopes", TEXT, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("revoked_at", BIG),
        sa.PrimaryKeyConstraint("id", name=op.f("api_key_pkey")),
        **SQLITE,
    )
    op.create_table(
        "token",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("brand", TEXT, nullable=False),
        sa.Column("event", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("expires_at", BIG),
        sa.Column("revoked_at", BIG),
        sa.Column("scopes", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("token_pkey")),
        **SQLITE,
    )
    op.create_table(
        "profile",
        sa.Column("event", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("picture", TEXT, nullable=False),
        sa.Column("link", TEXT, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("event", "kind", "id", name=op.f("profile_pkey")),
        **SQLITE,
    )
    op.create_table(
        "secret",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("secret_pkey")),
        **SQLITE,
    )
