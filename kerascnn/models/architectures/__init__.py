"""LeNet-5 and AlexNet with their variants, one module per paper."""
