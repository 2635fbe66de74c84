"""Heads against each other under equal conditions: the plan, its cells, what they show."""
