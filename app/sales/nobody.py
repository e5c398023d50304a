"""The names that stand for nobody, in journals, on boards and in accounts. Pure.

They are in every journal, so they never change; no host and no team can have them as an id.
"""

# Who is credited with what nobody sold; its credits make totals tie out.
HOUSE = "House"
# What stands for the team of a host that had none when the order was paid.
NO_TEAM = "-"
