"""Says how many seeds and test images a study needs, before, while and after it is made."""
