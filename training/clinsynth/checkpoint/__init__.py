"""Model folders: the card, and safetensors read and written piece by piece."""

from clinsynth.checkpoint.card import CARD, Card, read_card, write_card

__all__ = ["CARD", "Card", "read_card", "write_card"]
