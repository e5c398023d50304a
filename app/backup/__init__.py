"""Backups: everything that the service stores, as one file, and back into a database of either kind."""
