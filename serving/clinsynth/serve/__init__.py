"""The HTTP endpoint: vLLM behind FastAPI, and the gate in front of both. Nothing leaves ungated."""
