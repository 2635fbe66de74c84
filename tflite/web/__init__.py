"""Makes one HTML page in which int8 networks run and show every value that they compute."""
