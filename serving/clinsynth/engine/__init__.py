"""vLLM in-process: one face for live requests, one for bulk."""
