"""Learned features: filters, feature maps, top-activating patches, class activation maps."""
