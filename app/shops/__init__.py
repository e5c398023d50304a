"""Shops: their words, in exports and deliveries, turned into the facts that the API takes.

No rules of the event.
"""
