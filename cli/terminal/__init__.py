"""What a person at a terminal sees: results, progress, tables, drawings."""
