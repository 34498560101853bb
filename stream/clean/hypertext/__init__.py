"""HTML in, lines of text with marks out, in one walk without a tree."""
