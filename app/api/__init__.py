"""HTTP in, calls out: who asks, what they may, what they said. Holds no rules."""
