"""Proofs and exports: reads the journal as it is stored and trusts nothing else."""
