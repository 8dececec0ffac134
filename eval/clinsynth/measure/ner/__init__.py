"""Named-entity recognition by token classification: encode, fine-tune, predict, score."""

from clinsynth.measure.ner.encoding import Document, EncodedNotes, encode
from clinsynth.measure.ner.labels import Labels
from clinsynth.measure.ner.score import SCHEMES, document_counts
from clinsynth.measure.ner.tagger import FineTuning, Tagger, fine_tune, load_tokenizer

__all__ = [
    "SCHEMES",
    "Document",
    "EncodedNotes",
    "FineTuning",
    "Labels",
    "Tagger",
    "document_counts",
    "encode",
    "fine_tune",
    "load_tokenizer",
]
