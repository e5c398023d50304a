"""Proofs and exports: reads the journal as it is stored and trusts nothing else."""

# Entries that are read at a time: a few megabytes.
PAGE = 2_000
