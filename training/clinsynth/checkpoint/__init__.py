"""Model folders: the card, and safetensors read and written piece by piece."""
