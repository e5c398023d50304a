"""KOS Live: livestream sales challenges whose every number is a pure function of one journal."""

__version__ = "0.1.0"
