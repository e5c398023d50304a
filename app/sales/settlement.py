"""The names of what settling writes. Pure."""


def release_key(identity: str) -> str:
    """The entry key of a release of commission."""
    return f"release:{identity}"


def payout_key(identity: str) -> str:
    """The entry key of a payout."""
    return f"payout:{identity}"


def statement_key(identity: str) -> str:
    """The entry key of the end of a statement's range."""
    return f"statement:{identity}"
