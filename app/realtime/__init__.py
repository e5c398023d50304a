"""Live channels over WebSockets: what a client may ask, what it is told, and how it catches up. Knows no
rules of a sale.
"""
