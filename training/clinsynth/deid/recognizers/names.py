"""Names of people (Safe Harbor A), without a language model.

Three kinds of evidence: a word beside that goes with persons (``Dr.``, ``Patient:``, ``, MD``, ``her son``), a
given name followed by a family name of the lists, and a placeholder (``Dr. X``). The title itself is no
part of the name. Eponyms, drugs and ordinary words are no names by themselves: ``Parkinson disease``,
``Foley``, ``Will``, ``Rose Bengal``. Not known here: a lone name that no list and no word around betrays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from clinsynth.deid.engine import Tokens
from clinsynth.deid.lexicons import first_names, last_names, word_list
from clinsynth.deid.recognizers.rules import LIKELY, SURE, TOLD, Rule, RuleRecognizer

_UP: Final = "A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĖĘĚĞĢĪĮİĶĹĻĽŁŃŅŇŌŐŒŔŘŚŞŠŤŪŮŰŲŹŻŽȘȚ"
_WORD: Final = (
    rf"(?:[ODLdl]['’])?[{_UP}][a-zA-ZÀ-ɏ]*(?:['’](?!s\b)[{_UP}a-z][a-zÀ-ɏ]+)?(?:-[{_UP}][a-zA-ZÀ-ɏ]+)*"  # noqa: RUF001
)
_PARTICLE: Final = r"(?:de la|de los|van der|van den|von der|de|del|della|van|von|der|den|bin|ibn|da|dos|di|la|le|ter|st\.)"
_BETWEEN: Final = rf"(?:[ \t]{{1,2}}|\.[ ]?)(?:{_PARTICLE}[ ])?"
_RUN: Final = rf"{_WORD}(?:{_BETWEEN}{_WORD}){{0,4}}"

_TITLE: Final = (
    r"(?:[Dd]rs?|DRS?|[Mm]rs?|MRS?|[Mm]s|MS|[Mm]iss|MISS|[Dd]octors?|DOCTORS?|[Pp]rof(?:essor)?|[Nn]urse|[Ss]ister|[Rr]ev(?:erend)?|Fr|"
    r"[Cc]aptain|Capt|Sgt|[Oo]fficer|[Dd]etective|[Pp]astor|[Rr]abbi|[Jj]udge|Sr|Sra|[Ff]ather|Lt|Hon|Dame|Sir|Mx)"
)
_CREDENTIAL: Final = (
    r"(?:M\.?D\.?|D\.?O\.?|Ph\.?D\.?|R\.?N\.?|N\.?P\.?|P\.?A\.?(?:-?C)?|A?PRN|ARNP|FNP(?:-?[A-Z]{1,2})?|D\.?P\.?M\.?|D\.?D\.?S\.?|D\.?M\.?D\.?|"
    r"LPN|LVN|BSN|MSN|DNP|MBBS|MBChB|MB|FRCS|FRCP|CRNA|Pharm\.?D\.?|RPh|LC?SW|LICSW|MSW|Psy\.?D\.?|D\.?C\.?|O\.?D\.?|MPH|FACS|FACC|FACP|Esq|DPT|OTR|SLP|"
    r"RRT|RD|EMT(?:-?P)?|PGY-?\d|M\.?S\.?W\.?|CNM|CCC-SLP|PT|OT|RT)\b"
)
_HEADER: Final = (
    r"patient(?:'s)?(?: full)?(?: name)?|pt(?: name)?|name|full name|patient/client|client|attending(?: physician| surgeon| md| provider)?|(?:primary|first|co|assistant|referring|"
    r"ordering|consulting|operating|admitting|treating|requesting|family|supervising|attending|discharging|reading|resident|rounding|covering)[ -]?"
    r"(?:physicians?|surgeons?|doctors?|providers?|care physician|care provider|md|clinician|radiologist|consultant)?|surgeons?|assistants?|anesthesiologist|anesthetist|"
    r"anesthesia(?: by| provider)|radiologist|pathologist|cardiologist|oncologist|physician|provider|clinician|pcp|primary care|"
    r"dictated by|dictator|dictating|dictated|transcribed by|transcriptionist|transcriber|electronically signed(?: by)?|e-?signed(?: by)?|signed(?: by)?|cosigned(?: by)?|"
    r"authenticated by|verified by|reviewed by|approved by|authorized by|read by|interpreted by|reported by|prepared by|author|completed by|"
    r"performed by|ordered by|requested by|referred by|seen by|examined by|attested by|entered by|"
    r"emergency contact|contact(?: person| name)?|next of kin|nok|guardian|legal guardian|spouse|mother|father|wife|husband|son|daughter|brother|"
    r"sister|parent|caregiver|health ?care proxy|proxy|hcp|poa|power of attorney|informant|interpreter|insured|subscriber|subscriber name|guarantor|"
    r"cc|cc'd|carbon copy|copies? to|to|from|attn|attention|re|regarding|dear|sincerely|respectfully|regards|respectfully submitted|"
    r"nurse|rn|resident|intern|fellow|social worker|case manager|case worker|therapist|counselor|pharmacist|dietitian|scribe|witness(?:ed by)?|employee|examiner|"
    r"yours (?:truly|sincerely|faithfully)|kind regards|best regards|with regards|thank you|maiden name|alias|aka|a\.k\.a\."
)
_KIN: Final = (
    r"wife|husband|spouse|son|daughter|mother|father|brother|sister|mom|dad|aunt|uncle|niece|nephew|cousin|partner|fianc[eé]e?|girlfriend|boyfriend|friend|"
    r"grandson|granddaughter|grandmother|grandfather|neighbor|roommate|caregiver|sibling|twin|parents|children|sons|daughters|son-in-law|daughter-in-law|stepson|stepdaughter|"
    r"nurse|patient|pt|resident|intern|colleague|boss|supervisor|lawyer|attorney|caseworker|case manager|social worker|physician|surgeon|neurologist|cardiologist|oncologist|therapist|"
    r"proxy|guardian|named|name is|called|known as|goes by|contact|coordinator|pcp|attending|np|pa"
)
_PLACE_HOLDER: Final = r"(?:[XYZ]{2,6}|ABCD?E?F?|AB|XX+|X|Y|Z|[A-Z])"
_EPONYM_AFTER: Final = re.compile(
    r"['’]?s?[ -](?:disease|syndrome|sign|signs|test|maneuver|procedure|catheter|classification|criteria|score|scale|tumou?r|"  # noqa: RUF001
    r"fracture|palsy|point|phenomenon|operation|repair|technique|forceps|clamp|retractor|position|drain|tube|line|node|lymphoma|sarcoma|"
    r"disorder|dementia|incision|suture|needle|stain|body|bodies|cell|cells|duct|ligament|fascia|space|pouch|triangle|muscle|reflex|reaction|"
    r"method|approach|graft|shunt|stent|valve|block|scope|esophagus|oesophagus|thyroiditis|contracture|hernia|diverticulum|cyst|esophagitis|"
    r"encephalopathy|chorea|ataxia|anomaly|malformation|murmur|law|index|formula|equation|stage|grade|lesion|nodes?|rods?|wires?|pins?|"
    r"retractors?|scissors|curette|elevator|rongeur|dilators?|solution|lactate|bandage|dressing|boot|splint|collar|brace|prosthesis|implant|"
    r"anastomosis|gastrectomy|fundoplication|pancreatitis|ulcers?|nevus|lines|spots|nodules|membrane|effect|sulcus|area|aphasia|gyrus|canal|fossa)\b",
    re.IGNORECASE,
)  # fmt: skip
_INITIAL: Final = re.compile(rf"[{_UP}]")


_STRONG_HEADER: Final = re.compile(
    r"(?i)(?:sign|dictat|transcri|authenti|verified|approved|interpreted|attest|name|surgeon|physician|dear|sincerely|regards)"
)
_NEVER: Final = frozenset(
    "he she his her him an no per do may can was are had has the and not for but all any our you were been with this that then she who "
    "none unknown self same patient general local none no yes see".split()
)
_SUFFIX: Final = r"(?:,?[ ](?:Jr|Sr|II|III|IV)\b\.?)?"
_FOLDED_NAME: Final = r"[a-z]{3,20}(?: [a-z]{3,20})?"

_TITLED: Final = re.compile(
    rf"(?<![\w/-]){_TITLE}(?:\.[ \t\n]{{0,2}}|[ \t]{{1,2}})(?P<id>{_RUN}{_SUFFIX})(?:(?:,| and|,? &)[ ](?:{_TITLE}\.?[ ])?(?P<more>{_WORD}))?"
)
_TITLED_FOLDED: Final = re.compile(
    rf"(?<![\w/-])(?:[Dd]rs?|[Mm]r|[Mm]rs|[Mm]s)\.?[ ](?P<id>{_FOLDED_NAME})(?!\w)"
)
_CREDENTIALED: Final = re.compile(rf"(?<![\w/-])(?P<id>{_RUN}{_SUFFIX})(?:,[ ]?|[ ]){_CREDENTIAL}")
_HEADED: Final = re.compile(
    rf"(?<![\w/-])(?P<head>(?i:{_HEADER}))[ \t]{{0,3}}[:,][ \t]{{0,8}}(?:\n[ \t]{{0,4}})?(?:/s/[ ])?(?:{_TITLE}\.?[ ])?"
    rf"(?P<id>{_RUN}(?:,[ ]?{_RUN})?{_SUFFIX})"
)
_KINDRED: Final = re.compile(rf"(?<!\w)(?:{_KIN})(?:,[ ]|[ ]is[ ]|:[ ]|[ ]\(|[ ])(?P<id>{_RUN})")
_BYLINE: Final = re.compile(
    rf"(?<!\w)(?i:(?:electronically |digitally )?(?:co-?)?signed(?: electronically| out)?(?: by)?|dictated(?: by)?|transcribed by|reviewed by|seen by|evaluated by|performed by|discussed with|"
    rf"spoke (?:with|to)|referred by|followed by|assisted by|read by|interpreted by|approved by|verified by|seen with|cared for by|care of|accompanied by|brought in by|called by|"
    rf"reported to|communicated to|conveyed to|handoff to|paged|notified|per|via interpreter|interpreter)[: ][ ]?(?P<id>{_RUN})"
)
_REVERSED: Final = re.compile(
    rf"(?<![\w/-])(?P<last>{_WORD}),[ ](?P<first>{_WORD})(?:[ ][{_UP}]\.?(?!\w))?"
)
_RUNS: Final = re.compile(rf"(?<![\w/-]){_WORD}(?:{_BETWEEN}{_WORD}){{1,4}}{_SUFFIX}")
_PLACEHOLDERS: Final = (
    re.compile(
        rf"(?<![\w/-])(?:Drs?|Mr|Mrs|Ms|Miss|DR|MR|MRS|MS)\.?[ ](?P<id>{_PLACE_HOLDER}(?:[ ]{_PLACE_HOLDER})?)(?![\w-]|'s\w)"
    ),
    re.compile(
        rf"(?<![\w/-])(?P<id>{_PLACE_HOLDER}(?:[ ][A-Z]\.)?)(?=,?[ ](?:M\.?D|D\.?O|R\.?N|PA-C|Ph\.?D)\b)"
    ),
    re.compile(
        r"(?<![\w/-])(?P<id>XYZ|ABCD|XX[XY]+|John Doe|Jane Doe|JOHN DOE|JANE DOE|_{4,}|\[(?:Name|NAME|name|Patient Name|PATIENT NAME)\])(?![\w-])"
    ),
)
_PARTS: Final = re.compile(rf"{_WORD}|{_PARTICLE}")


class _Judge:
    """Which words of a run of capitalised ones are names, by the lists and by the rest of the note."""

    def __init__(self, common: frozenset[str]) -> None:
        self._first, self._last = first_names(), last_names()
        self._ordinary, self._eponyms = word_list("ordinary"), word_list("eponyms")
        self._common = common

    def listed(self, word: str) -> bool:
        """Is it a name of the lists, and nothing else as well?"""
        return self.clear(word) and (word in self._first or word in self._last)

    def clear(self, word: str) -> bool:
        """Has the word no everyday meaning, in the lists or in this note?"""
        return word not in self._ordinary and word not in self._eponyms and word not in self._common

    def could_be(self, word: str) -> bool:
        """May it be a name when a title says so?"""
        return word not in _NEVER and (self.clear(word) or word in self._first or word in self._last)

    def listed_folded(self, name: str) -> bool:
        """Is a name in lower case (``dr. smith``) one, every word of it?"""
        words = name.split()
        return all(
            len(word) > 3 and (word in self._last or word in self._first) and word not in self._ordinary
            for word in words
        )

    def is_pair(self, first: str, last: str) -> bool:
        """Given and family name, at least one of which has no other meaning."""
        first, last = first.lower(), last.lower()
        if first not in self._first or last not in self._last or first in _NEVER or last in _NEVER:
            return False
        return self.clear(first) + self.clear(last) >= 1 and len(first) > 1 and len(last) > 1


def _parts(start: int, run: str) -> list[tuple[int, int, str]]:
    return [(start + m.start(), start + m.end(), m[0].lower()) for m in _PARTS.finditer(run)]


def _told(judge: _Judge, start: int, run: str, *, listed: bool) -> tuple[int, int] | None:
    """The name at the front of a run that stands beside a word for persons.

    Args:
        listed: one of its words must be a name of the lists without another meaning.
    """
    parts = _parts(start, run)
    end, sure = None, not listed
    for i, (_, stop, word) in enumerate(parts):
        initial = len(word) == 1 and i + 1 < len(parts)
        if not (initial or _particle(word) or judge.could_be(word)) or (
            i and word in judge._ordinary and not initial
        ):
            break
        sure = sure or judge.listed(word)
        if not _particle(word) and not initial:
            end = stop
    return (parts[0][0], end) if end is not None and sure else None


def _ending(judge: _Judge, start: int, run: str) -> tuple[int, int] | None:
    """The name at the end of a run that stands before ``, MD``."""
    parts = _parts(start, run)
    begin = None
    for begin_at, _, word in reversed(parts):
        if not (len(word) == 1 or _particle(word) or judge.could_be(word)):
            break
        if word in judge._ordinary and begin is not None and len(word) > 1:
            break
        begin = begin_at
    if begin is None or not any(len(p[2]) > 1 and judge.could_be(p[2]) for p in parts if p[0] >= begin):
        return None
    return begin, parts[-1][1]


def _pair(judge: _Judge, start: int, run: str) -> tuple[int, int] | None:
    """A given and a family name within a run, with what stands between and behind."""
    parts = [p for p in _parts(start, run)]
    full = [p for p in parts if len(p[2]) > 1 and not _particle(p[2])]
    for i, (begin, _, first) in enumerate(full[:-1]):
        for j in range(i + 1, min(i + 3, len(full))):
            if judge.is_pair(first, full[j][2]) and all(judge.clear(p[2]) for p in full[i + 1 : j]):
                while j + 1 < len(full) and judge.listed(full[j + 1][2]):
                    j += 1
                return begin, full[j][1]
    return None


def _particle(word: str) -> bool:
    return word in _PARTICLES


_PARTICLES: Final = frozenset("de la los van der den von del della bin ibn da dos di le ter st.".split())


class NameRecognizer(RuleRecognizer):
    """Persons."""

    LABELS: ClassVar[tuple[str, ...]] = ("NAME",)

    def findings(self, tokens: Tokens) -> Iterator[tuple[str, int, int, float]]:
        """Names, without their titles."""
        text, judge = tokens.text, _Judge(tokens.common)
        for span, score in self._spans(text, judge):
            if span is not None:
                yield "NAME", *span, score

    def _spans(self, text: str, judge: _Judge) -> Iterator[tuple[tuple[int, int] | None, float]]:
        for m in _TITLED.finditer(text):
            yield _told(judge, m.start("id"), m["id"], listed=False), SURE
            if m["more"]:
                yield _told(judge, m.start("more"), m["more"], listed=m["more"].isupper()), TOLD
        for m in _CREDENTIALED.finditer(text):
            yield _ending(judge, m.start("id"), m["id"]), SURE
        for m in _HEADED.finditer(text):
            yield (
                _told(judge, m.start("id"), m["id"], listed=_STRONG_HEADER.search(m["head"]) is None),
                TOLD,
            )
        for m in _KINDRED.finditer(text):
            yield _told(judge, m.start("id"), m["id"], listed=True), TOLD
        for m in _BYLINE.finditer(text):
            yield _told(judge, m.start("id"), m["id"], listed=True), TOLD
        for m in _REVERSED.finditer(text):
            if judge.is_pair(m["first"], m["last"]):
                yield m.span(), TOLD
        for m in _RUNS.finditer(text):
            if _EPONYM_AFTER.match(text, m.end()) is None:
                yield _pair(judge, m.start(), m[0]), LIKELY
        for m in _TITLED_FOLDED.finditer(text):
            first, *_ = m["id"].split()
            if judge.listed_folded(m["id"]):
                yield m.span("id"), TOLD
        for pattern in _PLACEHOLDERS:
            for m in pattern.finditer(text):
                yield m.span("id"), TOLD
