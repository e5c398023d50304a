"""Triggers that keep a journal append-only, gap-free and balanced, whoever writes to the database.

What they refuse: update, delete and truncate of ``entry`` and ``posting``; an entry that does not follow the
one before it (position, hash, time); postings of an entry that do not sum to zero per currency, or that come
after their entry was committed; a head that is removed, goes back or differs from the last entry.

PostgreSQL: triggers per statement with transition tables, which cost next to nothing per row and hold for
COPY and for one statement alike. The head must be moved before or with the entries; whether its entry came is
asked at commit. SQLite has only triggers per row and nothing deferred: the head is moved last, and that
checks what was written since.

Errors: PostgreSQL raises ``KOS0x`` as SQLSTATE, SQLite a message that begins with the name in capitals.
"""

# SQLSTATEs. A class of our own, K, so that no version of PostgreSQL gives them another meaning.
APPEND_ONLY = "KOS01"
GAP = "KOS02"
UNBALANCED = "KOS03"
HEAD = "KOS04"
CLOCK = "KOS05"
LATE_POSTING = "KOS06"

CLOCK_AHEAD_SECONDS_MAX = 10
ZERO_HASH_HEX = "00" * 32

POSTGRESQL = (
    f"""
CREATE FUNCTION kos_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % refused: the journal is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = '{APPEND_ONLY}';
END $$
""",
    """
CREATE TRIGGER kos_entry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
FOR EACH STATEMENT EXECUTE FUNCTION kos_append_only()
""",
    """
CREATE TRIGGER kos_posting_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON posting
FOR EACH STATEMENT EXECUTE FUNCTION kos_append_only()
""",
    """
CREATE TRIGGER kos_head_kept BEFORE DELETE OR TRUNCATE ON head
FOR EACH STATEMENT EXECUTE FUNCTION kos_append_only()
""",
    # One scan of the added rows in the order they were written: each follows the one written before it, or the
    # one in the table. A clock that was set back must not stop an event, so one microsecond after the entry
    # before is always allowed. The lookups are scalar subqueries by primary key, because those are never
    # planned as a hash of the whole table; OFFSET 0 keeps them from being evaluated once per use.
    f"""
CREATE FUNCTION kos_entry_added() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
  ahead bigint := extract(epoch FROM clock_timestamp()) * 1000000 + {CLOCK_AHEAD_SECONDS_MAX * 1_000_000};
BEGIN
  SELECT * INTO bad FROM (
    SELECT b.event, b.position, b.recorded_at,
      CASE
        WHEN b.event_before = b.event THEN
          CASE WHEN b.position_before = b.position - 1 AND b.hash_before = b.prev_hash
            THEN b.recorded_at_before END
        WHEN b.position = 1 THEN
          CASE WHEN b.prev_hash = '\\x{ZERO_HASH_HEX}' THEN 0 END
        ELSE
          (SELECT e.recorded_at FROM entry e
           WHERE e.event = b.event AND e.position = b.position - 1 AND e.hash = b.prev_hash)
      END AS recorded_at_before,
      b.event_after IS DISTINCT FROM b.event AND b.hash IS DISTINCT FROM
        (SELECT h.hash FROM head h
         WHERE h.event = b.event AND h.position = b.position AND h.recorded_at = b.recorded_at) AS is_headless
    FROM (
      SELECT event, position, prev_hash, hash, recorded_at,
        lag(event) OVER w AS event_before, lag(position) OVER w AS position_before,
        lag(hash) OVER w AS hash_before, lag(recorded_at) OVER w AS recorded_at_before,
        lead(event) OVER w AS event_after
      FROM added WINDOW w AS ()
    ) b
    OFFSET 0
  ) c
  WHERE c.recorded_at_before IS NULL OR c.recorded_at_before >= c.recorded_at OR c.is_headless
    OR (c.recorded_at > ahead AND c.recorded_at <> c.recorded_at_before + 1)
  LIMIT 1;
  IF NOT FOUND THEN
    RETURN NULL;
  ELSIF bad.recorded_at_before IS NULL OR bad.recorded_at_before >= bad.recorded_at THEN
    RAISE EXCEPTION 'entry % of % does not follow the one before it', bad.position, bad.event
      USING ERRCODE = '{GAP}';
  ELSIF bad.is_headless THEN
    RAISE EXCEPTION 'entries of % up to % without their head', bad.event, bad.position
      USING ERRCODE = '{HEAD}';
  END IF;
  RAISE EXCEPTION 'entry % of % is ahead of the clock', bad.position, bad.event USING ERRCODE = '{CLOCK}';
END $$
""",
    """
CREATE TRIGGER kos_entry_added AFTER INSERT ON entry REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION kos_entry_added()
""",
    # The entry was written by this transaction, and its head was moved over it.
    f"""
CREATE FUNCTION kos_posting_added() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bad record;
BEGIN
  SELECT * INTO bad FROM (
    SELECT b.event, b.unbalanced,
      (SELECT e.xmin = pg_current_xact_id()::xid FROM entry e
       WHERE e.event = b.event AND e.position = b.first) IS NOT TRUE
      OR (SELECT h.position >= b.last FROM head h WHERE h.event = b.event) IS NOT TRUE AS is_late
    FROM (
      SELECT a.event, min(a.position) AS first, max(a.position) AS last,
        min(a.position) FILTER (WHERE a.total <> 0) AS unbalanced
      FROM (SELECT event, position, sum(amount) AS total FROM added GROUP BY event, position, currency) a
      GROUP BY a.event
    ) b
    OFFSET 0
  ) c
  WHERE c.unbalanced IS NOT NULL OR c.is_late LIMIT 1;
  IF NOT FOUND THEN
    RETURN NULL;
  ELSIF bad.unbalanced IS NOT NULL THEN
    RAISE EXCEPTION 'postings of entry % of % do not sum to zero', bad.unbalanced, bad.event
      USING ERRCODE = '{UNBALANCED}';
  END IF;
  RAISE EXCEPTION 'postings of % do not come with their entries', bad.event USING ERRCODE = '{LATE_POSTING}';
END $$
""",
    """
CREATE TRIGGER kos_posting_added AFTER INSERT ON posting REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION kos_posting_added()
""",
    f"""
CREATE FUNCTION kos_head_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND (NEW.event <> OLD.event OR NEW.brand <> OLD.brand OR NEW.position <= OLD.position)
  THEN
    RAISE EXCEPTION 'head of % may only move forward', OLD.event USING ERRCODE = '{HEAD}';
  END IF;
  IF NEW.position = 0 AND NEW.hash = '\\x{ZERO_HASH_HEX}' AND NEW.recorded_at = 0 THEN
    RETURN NULL;
  END IF;
  PERFORM 1 FROM entry WHERE event = NEW.event AND position = NEW.position
    AND hash = NEW.hash AND recorded_at = NEW.recorded_at;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'head of % at % without that entry', NEW.event, NEW.position USING ERRCODE = '{HEAD}';
  END IF;
  RETURN NULL;
END $$
""",
    """
CREATE CONSTRAINT TRIGGER kos_head_moved AFTER INSERT OR UPDATE ON head
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION kos_head_moved()
""",
)

SQLITE = (
    *(
        f"""
CREATE TRIGGER kos_{table}_{verb.lower()} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'APPEND_ONLY: {verb.lower()} of {table} refused'); END
"""
        for table, verb in (
            ("entry", "UPDATE"),
            ("entry", "DELETE"),
            ("posting", "UPDATE"),
            ("posting", "DELETE"),
            ("head", "DELETE"),
        )
    ),
    # INSERT OR REPLACE removes rows without firing their delete triggers. So a position must be new, which
    # following the last one ensures, and so must the key.
    f"""
CREATE TRIGGER kos_entry_added BEFORE INSERT ON entry
BEGIN
  SELECT RAISE(ABORT, 'GAP: entry does not follow the one before it') WHERE NOT ifnull(
    (SELECT position = NEW.position - 1 AND hash = NEW.prev_hash AND recorded_at < NEW.recorded_at
     FROM entry WHERE event = NEW.event ORDER BY position DESC LIMIT 1),
    NEW.position = 1 AND NEW.prev_hash = x'{ZERO_HASH_HEX}' AND NEW.recorded_at > 0
  );
  SELECT RAISE(ABORT, 'KEY: entry key is taken') FROM entry WHERE key = NEW.key AND event = NEW.event;
END
""",
    """
CREATE TRIGGER kos_posting_added BEFORE INSERT ON posting
BEGIN
  SELECT RAISE(ABORT, 'LATE_POSTING: posting does not come with its entry')
  WHERE ifnull((SELECT position FROM head WHERE event = NEW.event), NEW.position) >= NEW.position;
END
""",
    """
CREATE TRIGGER kos_head_added BEFORE INSERT ON head
BEGIN
  SELECT RAISE(ABORT, 'EVENT: event id is taken') FROM head WHERE event = NEW.event;
  SELECT RAISE(ABORT, 'HEAD: a head begins at position 0')
  WHERE NEW.position <> 0 OR NEW.recorded_at <> 0 OR NEW.hash <> zeroblob(32);
END
""",
    """
CREATE TRIGGER kos_head_moved BEFORE UPDATE ON head
BEGIN
  SELECT RAISE(ABORT, 'HEAD: head may only move forward')
  WHERE NEW.event <> OLD.event OR NEW.brand <> OLD.brand OR NEW.position <= OLD.position;
  SELECT RAISE(ABORT, 'HEAD: head is not the last entry') WHERE NOT ifnull(
    (SELECT position = NEW.position AND hash = NEW.hash AND recorded_at = NEW.recorded_at
     FROM entry WHERE event = NEW.event ORDER BY position DESC LIMIT 1), false);
  SELECT RAISE(ABORT, 'LATE_POSTING: posting beyond the head')
  FROM posting WHERE event = NEW.event AND position > NEW.position;
  SELECT RAISE(ABORT, 'UNBALANCED: postings do not sum to zero')
  WHERE EXISTS (
    SELECT 1 FROM posting WHERE event = NEW.event AND position > OLD.position
    GROUP BY position, currency HAVING sum(amount) <> 0
  );
END
""",
)
