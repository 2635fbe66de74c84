"""What any project could use: errors, whole files, validated settings, named things, another process."""
