"""Calls in progress: fragments of transcripts and profiles in, scores and states out. Most of it knows no Kafka."""
