"""Truth: the append-only, hash-chained journal of every event."""
