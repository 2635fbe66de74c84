"""Trains heads × seeds under equal conditions and says, in a report, what the data decide."""
