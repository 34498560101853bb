"""What a record brings: RFC 822 bytes, parts, headers, charsets, armour, to texts in order."""
