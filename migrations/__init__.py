"""Steps that build the database, oldest first; run by ``app.journal.migrate``."""
