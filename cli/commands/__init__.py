"""One file a command, each called as its command."""
