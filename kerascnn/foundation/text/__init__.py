"""Results and messages as text: tables, escapes for each form, what a notebook shows."""
