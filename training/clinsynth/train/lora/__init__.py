"""Low-rank adapters on any causal language model of Hugging Face, and merging them into it.

Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models". The model is taken as Hugging Face
has it and the adapter as PEFT makes it, so that both load anywhere; DeepSpeed shares the work out over
copies.
"""
