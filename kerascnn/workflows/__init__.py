"""One function a command, for what one run, file or data set can be asked."""
