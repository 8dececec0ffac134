"""Token classification with any encoder folder: encode, fine-tune, predict."""

from clinsynth.tagging.encoders import encoder_folder, load_tokenizer
from clinsynth.tagging.encoding import Document, EncodedNotes, Window, encode
from clinsynth.tagging.fine_tuning import FineTuning, fine_tune
from clinsynth.tagging.labels import Labels
from clinsynth.tagging.tagger import Tagger, load_tagger

__all__ = [
    "Document",
    "EncodedNotes",
    "FineTuning",
    "Labels",
    "Tagger",
    "Window",
    "encode",
    "encoder_folder",
    "fine_tune",
    "load_tagger",
    "load_tokenizer",
]
