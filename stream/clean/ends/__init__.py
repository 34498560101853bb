"""What stands around the words: banners above; closings, cards, mobile footers and notices below."""
