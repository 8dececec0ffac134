"""Words and forms beside which names of people stand.

A cue is a pattern over the lower-cased text; the name begins where it ends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from clinsynth.deid.recognizers.anchors import first_words
from clinsynth.deid.recognizers.forms import LOWER, PARTICLE, RUN, SUFFIX, UPPER, WORD
from clinsynth.deid.recognizers.rules import SURE, TOLD

_TITLE: Final = (
    r"(?:drs?|mr|mrs|ms|mx|miss|doctors?|prof(?:essor)?|rev(?:erend)?|fr|capt(?:ain)?|sgt|"
    r"officer|detective|pastor|rabbi|judge|hon|dame|sir|lt|señora?)"
)
_OPTIONAL_TITLE: Final = rf"(?:{_TITLE}(?:\.[ ]?|[ ]))?"

_SIGNED: Final = (
    r"(?:(?:electronically|digitally|e-?)[ ]?)?(?:co-?)?signed(?: electronically)?(?: by)?|"
    r"dictat(?:ed|ing|or)(?: by)?|transcribed(?: by)?|"
    r"transcriber|transcriptionist|(?:authenticated|verified|reviewed|approved|authorized|"
    r"read|interpreted|reported|prepared|completed|performed|ordered|"
    r"requested|referred|seen|examined|attested|entered|recorded|documented|written|typed|"
    r"accompanied|witnessed|evaluated|assisted|finalized) by|author|attestation"
)
_STAFF: Final = (
    r"(?:(?:primary|first|second|co|assistant|referring|ordering|consulting|operating|"
    r"admitting|treating|requesting|family|supervising|attending|"
    r"discharging|reading|resident|rounding|covering|responsible)[ -]?)?"
    r"(?:(?:care )?(?:physicians?|surgeons?|doctors?|providers?|clinicians?|radiologists?|"
    r"consultants?)|attending|md)|pcp|primary care|assistants?|"
    r"anesthesiologists?|anesthetist|anesthesia(?: by| provider)?|pathologist|cardiologist|"
    r"oncologist|resident|intern|fellow|nurse|rn|np|pa|"
    r"social worker|case manager|therapist|counselor|pharmacist|dietitian|scribe|"
    r"interpreter|coordinator|technologist|technician|tech|examiner|crna"
)
_PATIENT: Final = (
    r"(?:patient|pt|client|subject|member|insured|subscriber|guarantor|maiden|full|legal|"
    r"preferred|last|first|given|family)(?:'s)?(?: name)?|name(?: of patient)?|"
    r"patient/client|alias|aka|a\.k\.a\.|informant"
)
_KIN: Final = (
    r"wife|husband|spouse|sons?|daughters?|mother|father|brothers?|sisters?|mom|dad|aunt|"
    r"uncle|niece|nephew|cousin|partner|fianc[eé]e?|girlfriend|"
    r"boyfriend|friend|grandsons?|granddaughters?|grandmother|grandfather|neighbou?r|"
    r"roommate|caregiver|sibling|twin|parents|children|stepson|"
    r"stepdaughter|son-in-law|daughter-in-law|(?:legal )?guardian|health ?care proxy|proxy|"
    r"hcp|poa|power of attorney|next of kin|nok|"
    r"(?:emergency )?contact(?: person| name)?|witness|employee|lawyer|attorney|boss|supervisor"
)
_ADDRESSED: Final = r"cc'?d?|carbon copy|copies? to|copy|to|from|attn|attention|re|regarding"
_LINK: Final = r"(?:[ \t]{0,3}:|[ ][-\u2013]{1,2}(?=[ ]))[ \t]{0,8}(?:\n[ \t]{0,4})?(?:/s/[ ])?"
_LINKED: Final = r"(?=[^\n:\u2013-]{0,60}[:\u2013-])"  # or it need not be looked at
_DEAR: Final = (
    r"dear|sincerely|respectfully(?: submitted| yours)?|(?:kind |best |warm )?regards|"
    r"yours (?:truly|sincerely|faithfully)|best wishes|many thanks"
)
_MET: Final = (
    r"discussed with|spoke (?:with|to)|followed by|referred by|seen by|seen with|"
    r"evaluated by|examined by|reviewed by|performed by|assisted by|cared for by|care of|"
    r"called by|called|reported to|communicated to|conveyed to|relayed to|handed? ?off to|"
    r"handoff to|paged|notified|informed|by|c/o|"
    r"given by|provided by|obtained from|according to|history from|met with|consulted|"
    r"signed out to|page|contact|named|name is|known as|goes by|call(?:ed)? him|"
    r"call(?:ed)? her|a patient of|patient of|son of|daughter of|wife of|mother of|colleague|thank you"
)


@dataclass(frozen=True, slots=True)
class Cue:
    """A word that stands before persons.

    Args:
        pattern: over the lower-cased text; the name begins at its end.
        score: how sure.
        listed: the name must have a word that the lists know as a name and as nothing else.
        two: or it must have two words without an everyday meaning, listed or not.
    """

    pattern: re.Pattern[str]
    score: float
    listed: bool = True
    two: bool = False


CUES: Final = (
    Cue(re.compile(rf"(?<![\w/-]){_TITLE}(?:\.[ \t]{{0,2}}\n?|[ \t]{{1,2}}|\n)"), SURE, listed=False),
    Cue(re.compile(rf"(?<![\w/-]){_LINKED}(?:{_SIGNED}){_LINK}{_OPTIONAL_TITLE}"), TOLD, listed=False),
    Cue(re.compile(
        rf"(?<![\w/-])(?:electronically |digitally |e-)?(?:signed|dictated|transcribed|"
        rf"authenticated|attested)(?: electronically)? by[ ]{_OPTIONAL_TITLE}"), TOLD, listed=False),
    Cue(re.compile(rf"(?<!\w)(?<![\w/]/)s/+[ ]{{0,2}}{_OPTIONAL_TITLE}"), TOLD),
    Cue(re.compile(rf"(?<![\w/-])electronically signed\n{_OPTIONAL_TITLE}"), TOLD, listed=False),
    Cue(re.compile(rf"(?<![\w/-]){_LINKED}(?:{_PATIENT}){_LINK}{_OPTIONAL_TITLE}"), TOLD, two=True),
    Cue(re.compile(rf"(?<![\w/-]){_LINKED}(?:{_STAFF}|{_KIN}|{_ADDRESSED}){_LINK}{_OPTIONAL_TITLE}"), TOLD),
    Cue(re.compile(rf"(?<![\w/-])(?:{_DEAR})\b[,:]?[ \t]{{0,2}}\n{{0,3}}[ \t]*{_OPTIONAL_TITLE}"), TOLD),
    Cue(re.compile(rf"(?<![\w/-])(?:{_KIN}|{_STAFF}|patient|pt)(?:,[ \n]|[ ]is[ ]|[ ]\(|[ \n])"), TOLD),
    Cue(re.compile(rf"(?<![\w/-])(?:{_MET})[ \n]"), TOLD),
)  # fmt: skip

_LETTERS: Final = (
    r"M\.?D\.?|D\.?O\.?|Ph\.?D\.?|R\.?N\.?|N\.?P\.?|P\.?A\.?(?:-?C)?|APRN|ARNP|FNP"
    r"(?:-?[A-Z]{1,2})?|D\.?P\.?M\.?|D\.?D\.?S\.?|D\.?M\.?D\.?|LPN|LVN|BSN|"
    r"MSN|DNP|MBBS|MBChB|MB|FRCS|FRCP|CRNA|Pharm\.?D\.?|RPh|LC?SW|LICSW|MSW|Psy\.?D\.?|"
    r"D\.?C\.?|O\.?D\.?|MPH|FACS|FACC|FACP|Esq|DPT|OTR|SLP|RRT|RD|"
    r"EMT(?:-?P)?|PGY-?\d|CNM|CCC-SLP|CNS|ACNP|RT|OT|PT"
)
CREDENTIALED: Final = re.compile(rf"(?<![\w/-])(?P<id>{RUN}{SUFFIX})(?:,[ ]?|[ ])(?:{_LETTERS})\b")
"""A name before the letters of a profession."""

LETTERS: Final = first_words(_LETTERS)
"""The first of those letters, small."""

SECOND: Final = re.compile(rf",?[ ](?:and|&)[ ](?:(?:Dr|Mr|Mrs|Ms)\.?[ ])?(?P<id>{WORD})")
"""The second of two names behind one title: ``Drs. Okafor and Lee``."""

REVERSED: Final = re.compile(
    rf"(?<![\w/-])(?P<last>(?:{PARTICLE}[ ])?{WORD}(?:[ ]{WORD})?),[ ](?P<first>{WORD})"
    rf"(?:[ ]{WORD}\.?){{0,2}}"
)
"""``OKAFOR, Ada M.``"""

CALLED: Final = re.compile(
    rf"(?<![\w/-])(?:[Pp]atient|PATIENT|[Pp]t|PT)\b\.?[ \n](?P<id>(?:{PARTICLE}[ ])?{WORD}(?:[ ]{WORD})?)"
    r"(?=['\u2019]s\b|['\u2019][ ]|[ \n](?:is|was|has|had|does|did|do|will|would|should|may|can|could|"
    r"tolerated|"
    r"states|stated|reports|reported|denies|denied|presents|presented|remains|remained|looks|appears|underwent|"
    r"received|returned|returns|comes|came|continues|continued|then|also|and|who|went|left|takes|took|lives|"
    r"complains|complained|feels|felt|says|said|agreed|agrees|understands|understood|"
    r"IS|WAS|HAS|HAD|TOLERATED|DENIES)\b)"
)
"""``Patient Okafor was taken``, ``Pt. Okafor's``."""

FAMILY: Final = re.compile(
    rf"(?<![\w/-])(?:[Tt]he|[Tt]his)[ \n](?P<id>(?:{PARTICLE}[ ])?{WORD})[ \n]"
    r"(?:family|siblings|twins|brothers|sisters|children|household)(?!\w)"
)
"""``the Okafor family``."""

_I: Final = rf"[{UPPER}]"
_INITIAL_PAIR: Final = rf"(?:[A-Za-z]{{2,4}}|(?:{_I}\.[ ]?){{1,2}}{_I}\.|{_I}-{_I})"
TYPED_BY: Final = re.compile(
    rf"(?m:^)(?P<id>{_INITIAL_PAIR}[:/]{_INITIAL_PAIR})(?=[ \t]*(?:$|[DT]:))", re.MULTILINE
)
"""``ABC:DE``, who dictated and who typed, on a line of their own or before the dates of both."""
INITIALS: Final = re.compile(
    r"(?<!\w)(?:[Ii]nitials|[Uu]ser(?:[ ]?id)?|[Tt]ypist|USER|TYPIST|INITIALS)\b[:=]?[ ]{1,3}"
    rf"(?P<id>(?:{_I}{{2,4}}|(?:{_I}\.[ ]?){{1,2}}{_I}\.|{_I}-{_I}))(?![\w-])"
)
"""``user AB``."""

REGISTERED: Final = re.compile(
    r"(?<![\w/-])(?:(?:[Rr]egistered|REGISTERED)[ \n](?:as|AS|under|UNDER)|"
    r"[Gg]oes[ \n]by|GOES[ \n]BY|[Uu]nder[ \n]the[ \n]name(?:[ \n]of)?)"
    rf"[ \n](?P<id>{RUN}(?:,[ \n]?{RUN}\.?)?(?:[ ]\({WORD}\))?)"
)
"""``previously registered as Okafor, A.``, ``goes by Ada``."""

APPOSED: Final = re.compile(
    rf"(?<![\w/-])(?P<kin>(?i:the|his|her|my)[ \n](?i:{_KIN})),[ \n](?P<id>{WORD}(?:[ ]{WORD})?)(?=,[ \n])"
)
"""``his wife, Ada, who is``."""

REACHED: Final = re.compile(
    rf"(?<!\w)(?:[Rr]each|[Cc]all|[Pp]age|[Cc]ontact|[Tt]ext|[Bb]eep|[Ee]-?mail|[Pp]hone)[ \n]"
    rf"(?P<id>{WORD}(?:[ ]{WORD})?)"
    r"(?=[ \n](?:at|on|via|by|directly)[ \n])"
)
"""``Page Okafor at 2041``."""

TREATED: Final = re.compile(
    rf"(?<=[a-z,)][ \n])(?P<id>(?=[{UPPER}][{LOWER}]){WORD})(?=[ \n](?:is|was|has been|had been)[ \n]"
    r"(?:then[ ]|also[ ]|again[ ])?(?:taken|brought|sent[ ](?:to|back|home)|instructed|noted[ ]to|"
    r"found[ ]to|admitted|discharged|transferred|counsell?ed|advised|asked|told|extubated|awakened|"
    r"referred|intubated|anesthetized|evaluated|seen[ ](?:in|by|for|at|today)|able[ ]to|unable[ ]to|"
    r"informed|reassured)\b)"
)
"""``and Okafor was taken to``, within a sentence: what only happens to people."""

ACTING: Final = re.compile(
    rf"(?<![\w/-])(?P<id>{WORD})(?=[ \n](?:is|was|has|had|will|would|does|did|denies|denied|reports|"
    r"reported|states|stated|says|said|tells|told|feels|felt|lives|lived|came|comes|went|goes|underwent|tolerated|"
    r"presents|presented|returns|returned|continues|agreed|agrees|understands|received|needs|takes|"
    r"and[ ]I)\b)"
)
"""``Ada had``: a given name that does what people do."""

INTRODUCED: Final = re.compile(
    rf"(?<![\w/-])(?P<id>{RUN}),?[ \n](?:(?:is|was)[ \n])?an?[ \n](?:very |pleasant |"
    rf"delightful ){{0,2}}(?:\d{{1,3}}[ \n-]?|[a-z]+-)(?:year|month|week|day|y/?\.?o|yo)"
)
"""``Ada Okafor is a 60-year-old``."""

_FILLER: Final = r"(?:[XYZ]{2,6}|ABC(?:DE?F?)?|Abcd?|X{1,9}yz|Xxx{1,9}|AB|[A-Z])"
PLACEHOLDER_TITLED: Final = re.compile(
    rf"(?<![\w/-])(?:Drs?|Mr|Mrs|Ms|Miss|DR|MR|MRS|MS)\.?[ ](?P<id>{_FILLER}(?:[ ]{_FILLER})?)(?![\w-])"
)
PLACEHOLDER_CREDENTIALED: Final = re.compile(
    rf"(?<![\w/-])(?P<id>{_FILLER}(?:[ ][A-Z]\.)?)(?=,?[ ](?:M\.?D|D\.?O|R\.?N|PA-C|Ph\.?D)\b)"
)
PLACEHOLDER: Final = re.compile(
    r"(?<![\w/#-])(?P<id>XYZ|ABCD|XXXX{1,9}|(?:John|Jane|JOHN|JANE) (?:Doe|DOE)|\[(?:Patient |PATIENT )?"
    r"(?:[Nn]ame|NAME)\])(?![\w-])"
)
"""What scrubbed notes hold in the place of names."""

EPONYM_AFTER: Final = re.compile(
        r"(?:'s|\u2019s|s)?[ -](?:disease|syndrome|signs?|tests?|maneuver|procedure|catheter|"
        r"classification|criteria|score|scale|tumou?r|"
        r"fracture|palsy|point|phenomenon|operation|repair|technique|forceps|clamps?|"
        r"retractors?|position|drain|tube|lines?|nodes?|lymphoma|"
        r"sarcoma|disorder|dementia|incision|sutures?|needle|stain|body|bodies|cells?|duct|"
        r"ligament|fascia|space|pouch|triangle|muscle|reflex|"
        r"reaction|method|approach|graft|shunt|stent|valve|block|scope|esophagus|oesophagus|"
        r"thyroiditis|contracture|hernia|diverticulum|cyst|"
        r"esophagitis|encephalopathy|chorea|ataxia|anomaly|malformation|murmur|law|index|"
        r"formula|equation|stage|grade|lesion|rods?|wires?|pins?|"
        r"scissors|curette|elevator|rongeur|dilators?|solution|lactate|bandage|dressing|boot|"
        r"splint|collar|brace|prosthesis|implant|anastomosis|"
        r"gastrectomy|fundoplication|pancreatitis|ulcers?|nevus|spots|nodules|membrane|effect|"
        r"sulcus|area|aphasia|gyrus|canal|fossa|coma scale)\b",
    re.IGNORECASE,
)  # fmt: skip
"""What follows an eponym."""
