"""Bulk corpora: shards, card, manifest, sums."""
