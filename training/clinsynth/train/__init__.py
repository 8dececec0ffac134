"""DeepSpeed training: tensor x pipeline x data parallel."""
