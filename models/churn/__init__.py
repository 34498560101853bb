"""Churn while the caller is still talking: profiles and transcripts in, a probability that moves with every fragment.

`sums` and `vectors` are what training and serving share; `model` serves; the rest learns.
"""
