"""Tunes an encoder for labelled rows: recipes `balanced` and `best`, for `models.train`. Needs the extra `train`."""
