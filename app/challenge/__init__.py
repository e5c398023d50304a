"""The rules of the contest: an event's life, its roster, its scores and its boards. Pure."""
