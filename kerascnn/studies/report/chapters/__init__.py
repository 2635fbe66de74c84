"""The chapters of a report: each module draws one part of it from a study."""
