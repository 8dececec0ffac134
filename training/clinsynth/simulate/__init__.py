"""The simulated hospital: an expert table of diseases, a case sampler, a writer of labelled notes."""

from clinsynth.simulate.stream import simulate_notes

__all__ = ["simulate_notes"]
