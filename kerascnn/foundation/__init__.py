"""General tools: errors, whole files, validated settings, registries, worker processes."""
