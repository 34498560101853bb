"""The parts of `models.train`: what is asked for, which rows, which weights, what is written and told."""
