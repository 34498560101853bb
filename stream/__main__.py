"""`python -m stream` is `switchboard`."""

from stream.cli import main

main()
