"""Which kind of mail this is: of a person, or of which machine."""
