"""The offline half of Switchboard: rows in, immutable model bundles out. Never imports `stream`."""
