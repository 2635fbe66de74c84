"""One module a paper: LeNet-5 and AlexNet with their variants."""
