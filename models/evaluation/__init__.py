"""How good a model is and where it fails: answers and truth in, figures, intervals, comparisons and a page out."""
