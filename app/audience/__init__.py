"""Who watches: counts, never people."""
