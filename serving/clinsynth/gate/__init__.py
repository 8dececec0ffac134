"""The last look on the way out: no text leaves before it has passed."""
