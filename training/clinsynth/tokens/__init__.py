"""The text a model learns: the one template, the tokenizer, the packed shards."""
