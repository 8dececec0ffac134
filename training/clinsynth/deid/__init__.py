"""Finding identifiers, and putting typed tags or surrogates in their place."""
