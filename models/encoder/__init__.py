"""Encoders: a base model's files in, graphs that serve out, and the session that runs them."""
