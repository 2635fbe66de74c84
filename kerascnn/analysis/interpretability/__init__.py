"""What a network has learned: filters, feature maps, top-activating patches, class activation maps."""
