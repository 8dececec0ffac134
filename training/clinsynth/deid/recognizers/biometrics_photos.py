"""References to fingerprints and the like, and to pictures of a person (Safe Harbor P and Q)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Final

from clinsynth.deid.recognizers.anchors import Hint
from clinsynth.deid.recognizers.rules import SURE, TOLD, Rule, RuleRecognizer

_VALUE: Final = r"(?P<value>(?=[a-z/._-]{0,20}\d)[a-z0-9]{1,30}(?:[-/._][a-z0-9]{1,30}){0,7})(?![\w%])"
_LINK: Final = (
    r"(?![a-z])(?:[ \t]{1,2}(?:template|record|scan|image|hash|file|id|number|no|reference|ref|code|"
    r"on file|identifier|stored|as|is|under|enrolled|captured)\b\.?){0,4}"
    r"[ \t]{0,2}(?:[:#=(-][ \t]{0,2}){0,2}"
)
_PICTURE: Final = "jpe?g|png|gif|tiff?|bmp|heic|dcm|webp"


# A scan of a retina, and a sample of a voice, are examinations too: those are left to the model.
_BIOMETRIC: Final = (
    r"(?:finger|thumb|palm|foot|voice|hand)[ \n-]?prints?(?:[ \n](?:cards?|images?|scans?|records?|"
    r"templates?))?|"
    r"(?:palm|iris|thumb|finger|palm[ ]vein|face|facial)[ \n](?:scans?|templates?)|voice[ \n]samples?|"
    r"iris[ \n](?:images?|photo(?:graph)?s?|pictures?)|"
    r"(?:hand[ \n]geometry|(?:facial|face|voice|iris)[ \n]recognition)"
    r"(?:[ \n](?:templates?|scans?|data|images?))?|"
    r"(?:retinal?|voice|face|facial|iris|palm|vein|hand|biometric)[ \n]"
    r"(?:templates?|biometrics?|identifiers?|id)|"
    r"voice[ \n](?:recordings?|signatures?)(?:[ \n]samples?)?"
)
# Pictures of organs are no pictures of a person: of a face or of somebody it must be.
_PHOTO: Final = (
    r"(?:full[ -]?face|facial|face|patient|employee|badge|identification|photo[ ]id|id|passport|license|"
    r"licence|driver'?s[ ]licen[sc]e|mug|portrait|student|family|wedding|identity)(?:[ \n]badge)?[ \n]"
    r"(?:photo(?:graph)?s?|pictures?|portraits?|snapshots?|shots?|selfies?|images?)|"
    r"(?:photo(?:graph)?s?|pictures?|snapshots?|portraits?)[ \n]of[ \n](?:(?:the|his|her|their)[ \n])?"
    r"(?:(?:patient's|child's|full)[ \n])?(?:face|patient|head and face)|"
    r"headshots?|mug ?shots?|selfies?"
)


class BiometricPhotoRecognizer(RuleRecognizer):
    """What shows or measures a body so that it can be told from others."""

    RULES: ClassVar[Sequence[Rule]] = (
        Rule(
            "BIOMETRIC",
            re.compile(
                rf"(?<!\w)(?:finger[ -]?prints?|thumb[ -]?prints?|palm[ -]?(?:prints?|vein|scan)|iris"
                rf"(?= (?:scan|template|record))|retinal?(?= ?(?:scan|template|image id))|"
                rf"voice[ -]?prints?|biometrics?|face (?:template|id|print)|facial (?:recognition|"
                rf"template)|hand geometry|dna profile)"
                rf"{_LINK}{_VALUE}"
            ),
            SURE,
            folded=True,
        ),
        Rule(
            "PHOTO",
            re.compile(
                r"(?<![\w./-])(?:(?:full[ -]?face|facial|face|identification|id|patient|clinical|"
                r"profile|wound)[ \t\n])?(?:(?:photo(?:graph)?s?|portrait|picture|image|"
                r"headshot)[ \t\n](?:of (?:the )?(?:patient|face)[ \t\n])?)?(?:[\w./\\-]{0,80}[\w-])\."
                rf"(?:{_PICTURE})(?![\w-])"
            ),
            SURE,
            folded=True,
            anchor=Hint(re.compile(rf"\.(?:{_PICTURE})(?![\w-])")),
        ),
        Rule(
            "PHOTO",
            re.compile(
                rf"(?<!\w)(?:(?:full[ -]?face|facial|face|identification|id|patient)[ \t\n])?(?:photo"
                rf"(?:graph)?s?(?:[ \t]id)?|headshot|portrait|picture|mugshot|facial image)"
                rf"{_LINK}{_VALUE}"
            ),
            TOLD,
            folded=True,
            accept=lambda match: len(match["value"]) >= 4,
        ),
        # The thing itself, without a number of its own.
        Rule(
            "BIOMETRIC",
            re.compile(rf"(?<!\w)(?:(?:left|right)[ \n])?(?:(?:index|ring)[ \n])?(?:{_BIOMETRIC})(?!\w)"),
            TOLD,
            folded=True,
        ),
        # A label is no picture: "ID photo: IMG_2041.jpg".
        Rule("PHOTO", re.compile(rf"(?<!\w)(?:{_PHOTO})(?!\w)(?![ ]?:)"), TOLD, folded=True),
    )
