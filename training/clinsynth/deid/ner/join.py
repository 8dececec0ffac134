"""What the rules find and what the model finds, made one list of findings.

1. What a rule found by a form of its own, or by a word that tells (a score of ``TOLD`` or more), keeps its
   label: the model keeps what is beside it. The number behind "MRN" is no telephone number.
2. Of the same label, findings that meet become one: "Okafor" of a rule and "Ada Okafor" of the model.
3. Elsewhere both stand, and ``resolve`` decides by length and ``PRIORITY``.
4. What the model sees and what cannot be goes (``plausible``): a name without two letters in a row, or of
   eponyms before what follows one ("Foley catheter"); a place of one everyday word ("Device"); a number
   without a digit; a biometric reference without a word of one; an age below 90.

So the union is covered but for (4). Within the model a word has one label, the likeliest: where NAME and
LOCATION compete, the probabilities decide.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from clinsynth.corpus import Span
from clinsynth.deid.lexicons import first_names, last_names, word_list
from clinsynth.deid.recognizers.name_cues import EPONYM_AFTER
from clinsynth.deid.recognizers.place_forms import FACILITY_WORDS
from clinsynth.deid.recognizers.rules import TOLD
from clinsynth.deid.tags import merged, outside

_INNER: Final = re.compile(r"[^\W_](?:.*[^\W_])?", re.DOTALL)
_DIGIT: Final = re.compile(r"\d")
_NEEDED: Final = {
    **dict.fromkeys(("PHONE", "FAX", "SSN", "MRN", "HEALTH_PLAN", "ACCOUNT"), _DIGIT),
    **dict.fromkeys(("LICENSE", "VEHICLE", "DEVICE"), _DIGIT),
    "OTHER_ID": re.compile(r"^(?![a-z]?\d{0,2}$)"),  # no vertebra ("T8"); a profession may come as one
    "DATE": re.compile(
        r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|\d\s?[-/.]\s?\d|\d(?:st|nd|rd|th)|\d{4}|day"
        r"|christmas|easter|hallowe|new year|ramadan|passover|thanksgiving|(?:fir|thi)[rs][dt]|second"
        r"|[a-z]th\b|mm|yy|xx"
    ),
    "IP": re.compile(r"\d\.\d|:.*:"),
    "EMAIL": re.compile(r"@|\bat\b|\bdot\b"),
    "AGE": re.compile(r"(?<!\d)(?:9\d|1[0-3]\d)(?!\d)|ninet|hundred|cente"),
    "BIOMETRIC": re.compile(
        r"print|scan|iris|retin|voice|palm|face|facial|finger|thumb|hand|vein|biometr|template|dna|gait|signature"
        r"|\d"
    ),
    "PHOTO": re.compile(r"phot|pict|imag|img|portrait|shot|selfie|snap|video|face|facial|\.[a-z]{3,4}$|\d"),
}
"""What a value of a label holds, in small letters."""
# How drugs end (the stems of WHO's international nonproprietary names), and diseases and enzymes.
_TERM: Final = re.compile(
    r"(?:[oa]lol|dil[oa]l|dipine|pril|sartan|statin|azole|oxacin|micin|mycin|cycline|cillin|cef\w+|vir|vudine|"
    r"mab|nib|platin|rubicin|taxel|setron|triptan|profen|coxib|azepam|azolam|barbital|caine|curium|dronate|"
    r"glitazone|gliptin|gliflozin|parin|troban|gatran|xaban|tidine|thiazide|tropin|phylline|terol|sone|olone|"
    r"fibrate|lukast|mustine|abine|trexate|sulfan|darone|oxin|peridol|racetam|idine|quine|quinine|pramine|"
    r"triptyline|zepine|oxetine|proate|toin|semide|tretin|feron|steine|grel|"
    r"penia|emia|itis|osis|oma|opathy|algia|uria|plasia|trophy|ase|ectomy|ostomy|oscopy|gram|graphy)s?$"
)
_LABEL: Final = re.compile(r"[ ]?:")
_WORDS: Final = re.compile(r"[^\W\d_]{2,}")


def joined(text: str, rules: Sequence[tuple[Span, float]], model: Sequence[Span]) -> list[Span]:
    """Findings of both; they may overlap.

    Args:
        rules: findings with their scores.
        model: sorted, not overlapping.
    """
    if not model:
        return [span for span, _ in rules]
    told = merged(span for span, score in rules if score >= TOLD)
    by_label: dict[str, list[Span]] = {}
    for span, _ in rules:
        by_label.setdefault(span.label, []).append(span)
    alike = {label: merged(spans) for label, spans in by_label.items()}
    findings = [span for span, _ in rules]
    for span in model:
        if not plausible(text, span):
            continue
        whole = _widened(span, alike.get(span.label, ()))
        others = [t for t in told if t.label != span.label]
        parts = [trimmed for part in outside(whole, others) if (trimmed := _trimmed(text, part))]
        findings += [part for part in parts if plausible(text, part)]
    return findings


def plausible(text: str, span: Span) -> bool:
    """Could the model be right?"""
    if span.label == "NAME":
        return _could_be_a_name(text, span)
    value = text[span.start : span.end].lower()
    if span.label == "LOCATION":
        return _could_be_a_place(text, span, value)
    if span.label == "PHOTO" and _LABEL.match(text, span.end):
        return False  # "ID photo:" is no picture
    needed = _NEEDED.get(span.label)
    return needed is None or needed.search(value) is not None


def _could_be_a_place(text: str, span: Span, value: str) -> bool:
    bare = value.strip(".,;:")
    if bare in word_list("eponyms"):
        return EPONYM_AFTER.match(text, span.end) is None
    everyday = (word_list("ordinary"), word_list("facilities"), FACILITY_WORDS)
    return not any(bare in words for words in everyday)


def _could_be_a_name(text: str, span: Span) -> bool:
    words = [word.lower() for word in _WORDS.findall(text, span.start, span.end)]
    if not words:
        return False
    known, everyday = word_list("eponyms"), word_list("ordinary")
    if not all(word in known or word in everyday or _TERM.search(word) for word in words):
        return True
    if not any(word in first_names() or word in last_names() for word in words):
        return False
    if len(words) > 1 and any(word in first_names() for word in words):
        return True
    return EPONYM_AFTER.match(text, span.end) is None


def _trimmed(text: str, part: Span) -> Span | None:
    """Without blanks and marks at its edges; None: nothing is left."""
    inner = _INNER.search(text, part.start, part.end)
    return None if inner is None else Span(inner.start(), inner.end(), part.label)


def _widened(span: Span, same: Sequence[Span]) -> Span:
    """The span together with those of its label that it meets (sorted, apart)."""
    start, end = span.start, span.end
    for i in range(bisect_right(same, span.start, key=lambda s: s.end), len(same)):
        if same[i].start >= span.end:
            break
        start, end = min(start, same[i].start), max(end, same[i].end)
    return Span(start, end, span.label)
