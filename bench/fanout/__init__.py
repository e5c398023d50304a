"""The fan-out measured beside its peers."""
