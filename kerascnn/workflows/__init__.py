"""One function per command that works on one run, file or data set."""
