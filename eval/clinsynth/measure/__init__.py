"""Measures of utility and privacy: they judge files, so they can judge any generator."""
