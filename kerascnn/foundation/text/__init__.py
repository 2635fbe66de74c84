"""Results and messages as text: tables, escapes for each format, notebook output."""
