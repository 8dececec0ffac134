"""From notes to a corpus folder: clean, de-identify, split, tokenise."""
