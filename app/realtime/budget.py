"""How many messages a connection may send: a token bucket. Pure; time is handed in."""


class Budget:
    """``burst`` messages at once, then ``per_second``. Units: ``now`` in seconds of any clock that only rises."""

    __slots__ = ("_at", "_burst", "_left", "_per_second")

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self._per_second = per_second
        self._burst = self._left = burst
        self._at = now

    def take(self, now: float) -> bool:
        """Whether one more message is within the budget at this time. One that is not costs nothing."""
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """What was taken last is not counted after all."""
        self._left = min(self._burst, self._left + 1)
