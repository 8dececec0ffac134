"""Invented values in the place of identifiers, always the same under the same key for the same patient.

A *tag* in generated text has no original: ``cast`` tells by the words around who or what is meant. An
identifier *written* in a real note is replaced by one of its own form: ``names``, ``places``, ``dates``,
``ages``, ``contacts``, ``numbers``, a file each.
"""

from clinsynth.deid.surrogates.fill import to_surrogates

__all__ = ["to_surrogates"]
