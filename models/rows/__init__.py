"""Labelled rows on their way to training: read, checked, grouped, divided; labels that changed are renamed."""
