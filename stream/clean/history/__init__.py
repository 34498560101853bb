"""What was written before this mail: attributions, header blocks, separators, quoted lines."""
