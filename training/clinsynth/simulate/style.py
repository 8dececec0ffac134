"""How one author writes: headings, shorthand, bullets, dates, noise. Drawn once a note."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

HEADINGS: Final = {
    "chief complaint": ("Chief Complaint", "CC", "Presenting Complaint", "Reason for Visit"),
    "hpi": ("History of Present Illness", "HPI", "Present Illness", "History"),
    "pmh": ("Past Medical History", "PMH", "Medical History", "PMHx"),
    "psh": ("Past Surgical History", "PSH", "Surgical History"),
    "medications": (
        "Medications",
        "Meds",
        "Home Medications",
        "Current Medications",
        "Outpatient Medications",
    ),
    "allergies": ("Allergies", "ALL", "Drug Allergies", "Allergies/Intolerances"),
    "social": ("Social History", "SH", "SHx", "Social"),
    "family": ("Family History", "FH", "FHx", "Family"),
    "ros": ("Review of Systems", "ROS", "Systems Review"),
    "vitals": ("Vital Signs", "Vitals", "VS", "Observations"),
    "exam": ("Physical Examination", "PE", "Exam", "Physical Exam", "Examination"),
    "labs": ("Laboratory Data", "Labs", "Pertinent Results", "Laboratory Studies", "Data"),
    "studies": ("Imaging and Studies", "Imaging", "Studies", "Diagnostic Studies"),
    "assessment": ("Assessment and Plan", "A&P", "A/P", "Impression and Plan", "Assessment/Plan"),
    "plan": ("Plan", "Recommendations", "Recs"),
    "impression": ("Impression", "IMP", "Conclusion", "Assessment"),
    "course": ("Hospital Course", "Brief Hospital Course", "Course in Hospital", "Clinical Course"),
    "ed course": ("ED Course", "Emergency Department Course", "ED Course/MDM", "Medical Decision Making"),
    "discharge diagnoses": ("Discharge Diagnoses", "Discharge Dx", "Final Diagnoses", "Diagnoses"),
    "discharge medications": ("Discharge Medications", "Discharge Meds", "Medications on Discharge"),
    "discharge condition": ("Condition at Discharge", "Discharge Condition", "Condition"),
    "instructions": ("Discharge Instructions", "Instructions", "Patient Instructions"),
    "follow up": ("Follow-up", "Follow Up", "Followup", "F/U"),
    "procedures": ("Procedures", "Operations and Procedures", "Major Procedures"),
    "subjective": ("Subjective", "S", "Interval History", "Overnight Events", "24h Events"),
    "objective": ("Objective", "O", "Physical Exam and Data"),
    "diagnosis": ("Diagnosis", "Impression", "Final Diagnosis", "ED Diagnosis", "Clinical Impression"),
    "disposition": ("Disposition", "Dispo", "Disposition and Follow-up"),
    "question": ("Reason for Consultation", "Reason for Consult", "Consult Question", "Indication"),
    "indication": ("Indication", "Clinical History", "Clinical Information", "History", "Reason for Exam"),
    "comparison": ("Comparison", "Prior Studies", "Comparison Studies"),
    "technique": ("Technique", "Procedure", "Protocol"),
    "findings": ("Findings", "Report", "Description"),
    "preoperative diagnosis": ("Preoperative Diagnosis", "Pre-op Diagnosis", "Preop Dx"),
    "postoperative diagnosis": ("Postoperative Diagnosis", "Post-op Diagnosis", "Postop Dx"),
    "operation": ("Procedure Performed", "Operation", "Procedure", "Operative Procedure"),
    "surgeon": ("Surgeon", "Attending Surgeon", "Operating Surgeon"),
    "assistant": ("Assistant", "First Assistant", "Resident"),
    "anesthesia": ("Anesthesia", "Type of Anesthesia"),
    "operative indications": ("Indications", "Indications for Procedure", "Brief History"),
    "operative findings": ("Operative Findings", "Findings", "Intraoperative Findings"),
    "operative steps": (
        "Description of Procedure",
        "Details of Operation",
        "Procedure in Detail",
        "Technique",
    ),
    "blood loss": ("Estimated Blood Loss", "EBL", "Blood Loss"),
    "specimens": ("Specimens", "Specimen", "Specimens Removed"),
    "complications": ("Complications", "Intraoperative Complications"),
}
"""Section -> ways to head it, the full form first."""

_CASES: Final = ("title", "title", "upper", "upper", "abbreviated", "abbreviated", "bare")
_DATES: Final = ("mdy", "mdy", "mdy", "mdy-short", "long", "long", "iso", "dmy", "mdy-dash")
_BULLETS: Final = ("- ", "* ", "• ", "1. ", "1) ", "")


@dataclass(frozen=True, slots=True)
class Style:
    """One author's habits.

    Args:
        shorthand: chance that a sentence's own words are abbreviated.
        abbreviate: chance that a problem, test or drug is written by its abbreviation.
        telegraphic: sentences without subject or article.
        headings: ``title``, ``upper``, ``abbreviated`` or ``bare`` (lower case).
        inline: a section's text follows its heading on the same line.
        bullet: mark of list items; ``1. `` and ``1) `` count.
        date: main format of dates.
        upper: the whole note in capitals, as old dictation systems print it.
        wrap: characters a line, 0 for lines as long as paragraphs.
        typos: chance of a misspelling in a piece of plain text.
        doubled_spaces: chance of a second space behind a sentence.
    """

    shorthand: float
    abbreviate: float
    telegraphic: bool
    headings: str
    inline: bool
    bullet: str
    date: str
    upper: bool
    wrap: int
    typos: float
    doubled_spaces: float
    blank_lines: bool

    def heading(self, rng: Random, section: str) -> str:
        """A heading for a section, with its colon."""
        forms = HEADINGS[section]
        if self.headings == "abbreviated":
            text = rng.choice(forms[1:])
        elif self.headings == "title":
            text = forms[0] if rng.random() < 0.7 else rng.choice(forms)
        elif self.headings == "upper":
            text = rng.choice(forms).upper()
        else:
            text = rng.choice(forms).lower() if rng.random() < 0.5 else rng.choice(forms)
        return text + ":"


def draw_style(rng: Random, *, formal: bool, dictated: bool) -> Style:
    """An author's style.

    Args:
        formal: letters and reports: full sentences, few abbreviations.
        dictated: the note may come from a dictation system that prints capitals only.
    """
    hurried = 0.0 if formal else rng.choice((0.0, 0.15, 0.35, 0.7))
    return Style(
        shorthand=hurried,
        abbreviate=rng.choice((0.05, 0.15, 0.3)) if formal else rng.choice((0.1, 0.3, 0.5, 0.8)),
        telegraphic=hurried > 0.3 and rng.random() < 0.8,
        headings=rng.choice(_CASES),
        inline=rng.random() < 0.5,
        bullet=rng.choice(_BULLETS),
        date=rng.choice(_DATES),
        upper=dictated and rng.random() < 0.08,
        wrap=rng.choice((0, 0, 0, 72, 80, 88)),
        typos=rng.choice((0.0, 0.0, 0.0, 0.002, 0.006)),
        doubled_spaces=rng.choice((0.0, 0.0, 0.0, 0.05, 0.9)),
        blank_lines=rng.random() < 0.6,
    )
