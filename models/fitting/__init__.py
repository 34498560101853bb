"""Heads are fitted here: embeddings, n-grams and answers in, calibrated linear heads out. Needs the extra `heads`."""
