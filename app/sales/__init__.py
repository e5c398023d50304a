"""The rules of money: what an order is worth, who earned it, what a refund takes back. Pure."""
