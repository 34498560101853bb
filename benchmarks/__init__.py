"""Figures with machine, versions, commit and command; the ledger is `README.md` beside this file."""
