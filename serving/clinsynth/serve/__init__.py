"""HTTP: vLLM behind FastAPI, every note through the gate."""
