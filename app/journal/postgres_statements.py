"""The statements that the store on PostgreSQL runs; all are lookups by index and are prepared once."""

from app.journal.entry import ZERO_HASH
from app.journal.tables import TERMS

# How far the database's clock may be from where a session carried it, in either direction.
CLOCK_SLACK_US = 10_000_000

_CLOCK_US = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_COLUMNS = "event, position, kind, key, occurred_at, recorded_at, actor, body, prev_hash, hash"
_E_COLUMNS = ", ".join(f"e.{name}" for name in _COLUMNS.split(", "))
_HEAD = "event, brand, position, hash, recorded_at"

READ = f"SELECT {_COLUMNS} FROM entry WHERE event = $1 AND position > $2 ORDER BY position LIMIT $3"
# LATERAL with OFFSET 0 is looked up key by key through the index, whatever the planner believes about a
# table that was never analysed; `key = ANY($2)` is not.
BY_KEY = f"""
SELECT {_E_COLUMNS} FROM unnest($2::text[]) AS k (key)
CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.key = k.key AND entry.event = $1 OFFSET 0) AS e"""
_BY_ABOUT = f"""
SELECT {_E_COLUMNS} FROM unnest($3::text[]) AS a (about)
CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.about = a.about AND entry.event = $1 OFFSET 0) AS e"""
BY_KEY_OR_ABOUT = f"{BY_KEY} UNION ALL {_BY_ABOUT}"
BY_BRAND = f"""
SELECT {_E_COLUMNS} FROM unnest($2::text[]) AS k (key)
CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.key = k.key OFFSET 0) AS e
JOIN head ON head.event = e.event WHERE head.brand = $1 ORDER BY e.event, e.position"""
TERMS_OF = f"""
SELECT {_E_COLUMNS} FROM unnest($1::text[]) AS k (event)
CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.event = k.event AND {TERMS} OFFSET 0) AS e
ORDER BY e.event, e.position"""

# One statement for a batch of any size: with COPY from 101 entries on it took 10 to 19 % longer (bench/NOTES.md).
# $7 is the time that the session believes it is (null: not to be compared). No row moved: the head is elsewhere.
APPEND = f"""
WITH moved AS (
  UPDATE head SET position = $4, hash = $5, recorded_at = $6
  WHERE event = $1 AND position = $2 AND hash = $3
    AND ($7::bigint IS NULL OR abs({_CLOCK_US} - $7::bigint) < {CLOCK_SLACK_US}) RETURNING 1
), entries AS (
  INSERT INTO entry
    (event, position, kind, key, occurred_at, recorded_at, actor, about, body, prev_hash, hash)
  SELECT $1, e.* FROM moved, unnest($8::bigint[], $9::text[], $10::text[], $11::bigint[], $12::bigint[],
    $13::text[], $14::text[], $15::bytea[], $16::bytea[], $17::bytea[]) AS e
), postings AS (
  INSERT INTO posting (event, position, leg, account, currency, amount)
  SELECT $1, p.* FROM moved, unnest($18::bigint[], $19::int[], $20::text[], $21::text[], $22::bigint[]) AS p
)
SELECT (SELECT count(*) FROM moved), {_CLOCK_US}"""
# The clock is read outside the locking query: inside, it would be the time before the wait for the lock.
LOCK = f"""
WITH locked AS MATERIALIZED (SELECT {_HEAD} FROM head WHERE event = $1 FOR UPDATE)
SELECT {_HEAD}, {_CLOCK_US} FROM locked"""
CREATE_EMPTY = f"""
WITH made AS (
  INSERT INTO head ({_HEAD}) VALUES ($1, $2, 0, '\\x{ZERO_HASH.hex()}', 0)
  ON CONFLICT (event) DO NOTHING RETURNING {_HEAD}
) SELECT {_HEAD}, {_CLOCK_US} FROM made"""

HEADS = f"SELECT {_HEAD} FROM head ORDER BY event"
HEADS_OF = f"SELECT {_HEAD} FROM head WHERE event = ANY ($1) ORDER BY event"
HEADS_OF_BRAND = f"SELECT {_HEAD} FROM head WHERE brand = $1 ORDER BY event"
POSTINGS = """
SELECT event, position, leg, account, currency, amount FROM posting
WHERE event = $1 AND position > $2 AND position <= $3 ORDER BY position, leg"""
# A sum of bigints is numeric; it fits 64 bits as long as its orders do (``AMOUNT_MINOR_MAX``).
ACCOUNTS = """
SELECT account, currency, sum(amount)::bigint, count(*), max(position) FROM posting
WHERE event = $1 AND position <= $2 AND account > $3 GROUP BY account, currency ORDER BY account LIMIT $4"""
SUMS_BY_KIND = """
SELECT p.account, e.kind, sum(p.amount)::bigint, count(*)
FROM posting AS p JOIN entry AS e ON e.event = p.event AND e.position = p.position
WHERE p.event = $1 AND p.account = ANY($2::text[]) AND p.position > $3 AND p.position <= $4
GROUP BY p.account, e.kind ORDER BY p.account, e.kind"""
ACCOUNT_POSTINGS = """
SELECT p.position, p.amount, e.kind, e.key, e.about, e.occurred_at, e.recorded_at
FROM (
  SELECT position, amount FROM posting
  WHERE event = $1 AND account = $2 AND position <= $3 AND position > $4 ORDER BY position LIMIT $5
) AS p
CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.event = $1 AND entry.position = p.position OFFSET 0) AS e
ORDER BY p.position"""
NEWEST = f"""
SELECT {_COLUMNS} FROM entry WHERE event = $1 AND kind = $2 AND position > $3 AND position < $4
ORDER BY position DESC LIMIT $5"""
BOOKED = """
SELECT p.position, e.kind, e.key, e.about
FROM (
  SELECT DISTINCT position FROM posting
  WHERE event = $1 AND account = ANY($2::text[]) AND position > $3 AND position < $4 ORDER BY position DESC LIMIT $5
) AS p
CROSS JOIN LATERAL (SELECT * FROM entry WHERE entry.event = $1 AND entry.position = p.position OFFSET 0) AS e
ORDER BY p.position DESC"""
KEYS = "SELECT key, event FROM entry WHERE key >= $1 AND key < $2 ORDER BY key, event LIMIT $3"
_STATE = "SELECT event, position, digest, body FROM state WHERE event = $1"
LATEST_STATE = f"{_STATE} AND position <= $2 ORDER BY position DESC LIMIT 1"
STATES = f"{_STATE} AND position > $2 ORDER BY position LIMIT $3"
SIGNED = """
SELECT position, hash, made_at, key, signature FROM checkpoint WHERE event = $1 AND position > $2
ORDER BY position LIMIT $3"""
SIGNING_KEYS = "SELECT id, public FROM checkpoint_key"
SAVE_STATE = """
INSERT INTO state (event, position, digest, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"""
PING = "SELECT 1 FROM head LIMIT 1"
POSITION_MAX = 2**63 - 1
DROP_STATES = "DELETE FROM state WHERE event = $1 RETURNING position"
NOW = f"SELECT {_CLOCK_US}"
