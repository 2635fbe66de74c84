"""A study as HTML page, Markdown, CSV and LaTeX."""
