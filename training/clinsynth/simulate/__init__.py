"""The simulated hospital: an expert table of diseases, a case sampler, a writer of labelled notes."""
