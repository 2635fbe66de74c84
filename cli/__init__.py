"""The command line: a command reads options, calls one library function, displays the result."""
