"""Is ``3/14`` a day, or a score, a strength, a share? The words around tell."""

from __future__ import annotations

import re
from typing import Final

# Words before a day and month without a year. "of" and "to" stand before scores as well and are left out.
_BEFORE: Final = re.compile(
    r"(?<!\w)(?:on|since|dated?|until|til|from|through|thru|by|before|after|as of|admitted|"
    r"discharged|seen|started|stopped|last|starting|"
    r"beginning|week of|due|done|collected|drawn|performed|scheduled for|follow-?up|appt|"
    r"appointment|labs?|d/c|doa|dos|dod|adm|visit|note|"
    r"updated?|resulted|taken|obtained|signed|began|ending|lmp|edd|edc|dol|doi|today|"
    r"yesterday|tomorrow|vs|next|planned|expires?|"
    r"refill(?:ed)?)[\s:(]{1,3}(?:the )?$"
)
_STUDY_BEFORE: Final = re.compile(
    r"\b(?:cta?|mri|mra|x-?rays?|cxr|kub|us|ultrasound|sonogram|echo|tte|tee|ekg|ecg|cath|"
    r"catheterization|labs?|cultures?|scan|egd|endoscopy|"
    r"colonoscopy|biopsy|ua|study|film|angiogram|angiography|hida|ercp|mrcp|eeg|emg|"
    r"stress test|pft|spirometry|dexa|mammogram|swab|smear|"
    r"pathology|bx|i&d|pci|cabg|surgery|operation|repair|replacement|admission|visit|seen|"
    r"doppler|duplex|panel|cbc|bmp|cmp|lft|inr|level|pet|hemoglobin|"
    r"creatinine|troponin|bnp|tsh|a1c|glucose|potassium|sodium|wbc|films?|imaging|consult|"
    r"clinic|dialysis|transfusion|extubated|intubated|"
    r"ectomy|plasty|oscopy|ostomy|gram|graphy)\b[^\n]{0,24}[(,:]?\s?$"
)
FRACTION_AFTER: Final = re.compile(
    r"[ \t]*-?[ \t]?(?:strengths?|power|pain|scale|score|motor|intensity|severity|tabs?\b|"
    r"tablets?|pills?|cups?|inch|doses?|bottles?|murmur|"
    r"systolic|diastolic|reflex|pulses?|mm|cm|mg|ml|in\b|lb|packs?|ppd|teaspoon|"
    r"normal saline|ns\b|bilateral|throughout|of\b|hours?|days?|"
    r"weeks?|months?|years?|criteria|nodes?|lymph|positive|negative|cores?|sets?|stairs?|"
    r"muscle|grade|upper|lower|right|left|thick|way|cranial|"
    r"percent|x\b|times|%|/)"
)
_SCORE_BEFORE: Final = re.compile(
    r"\b(?:pain|scale|score|rated?|rates|strength|motor|grade|murmur|power|apgars?|gcs|"
    r"reflexes|intensity|severity|sofa|nihss)\b[^.\n]{0,24}$"
)
_SCORES: Final = frozenset({2, 3, 4, 5, 6, 8, 10, 15, 30})  # what marks are given out of


def is_day(match: re.Match[str]) -> bool:
    """Is ``3/14`` a day, and no score, strength or measure? The text is folded."""
    text, start, end = match.string, match.start("id"), match.end("id")
    before = text[max(0, start - 44) : start]
    score = int(match["d"]) in _SCORES
    if FRACTION_AFTER.match(text, end) or (score and _SCORE_BEFORE.search(before)):
        return False
    if _BEFORE.search(before) or _STUDY_BEFORE.search(before):
        return True
    opened = before.rstrip(" \t")
    apart = opened.endswith(("(", ",", "\n", "(on")) or not opened
    return apart and not score and text[end : end + 1] in _AFTER_DAY


_AFTER_DAY: Final = frozenset({")", ",", ":", ".", ";", " ", "\n", ""})


def is_day_of_month(match: re.Match[str]) -> bool:
    """May is a verb, too: ``patient 4 may go`` has no date in it, ``on 4 May.`` has."""
    if not match[0].endswith(" may"):
        return True
    text, start, end = match.string, match.start(), match.end()
    told = " of " in match[0] or _BEFORE.search(text[max(0, start - 20) : start]) is not None
    return told or (match[0][0].isdigit() and not text[end : end + 2].strip().isalpha())


_UNIT_AFTER: Final = re.compile(r"[ \t]?(?:mm|cm|mg|ml|mcg|%)")


def is_numeric_date(match: re.Match[str]) -> bool:
    """One of the first two numbers is a month and the other a day."""
    if _UNIT_AFTER.match(match.string, match.end()):
        return False
    first, second = int(match["a"]), int(match["b"])
    return (1 <= first <= 12 and 1 <= second <= 31) or (1 <= second <= 12 and 1 <= first <= 31)
