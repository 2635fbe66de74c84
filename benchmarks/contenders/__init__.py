"""What a user would pick instead, written afresh from published descriptions."""
