"""Places: streets, towns, ZIP codes, facilities, employers; and what clinics call their own rooms."""

from __future__ import annotations

import pytest

L = "LOCATION"
TABLE = [
    ("Transferred from Greenwood Memorial Hospital.", [("Greenwood Memorial Hospital", L)]),
    ("St. Agnes Medical Center\nDischarge Summary", [("St. Agnes Medical Center", L)]),
    ("Followed at the Kirkland Clinic.", [("Kirkland Clinic", L)]),
    ("MERCY REGIONAL HOSPITAL", [("MERCY REGIONAL HOSPITAL", L)]),
    ("Resident of Oakdale Nursing Home.", [("Oakdale Nursing Home", L)]),
    ("Sent from Johns Hopkins Hospital.", [("Johns Hopkins Hospital", L)]),
    ("He was seen at ABC Hospital.", [("ABC Hospital", L)]),  # a placeholder
    ("Address: 4821 Walsh Avenue, Apt 12", [("4821 Walsh Avenue, Apt 12", L)]),
    ("Lives at 12 Baker Street with a cat.", [("12 Baker Street", L)]),
    ("Mail goes to P.O. Box 1182.", [("P.O. Box 1182", L)]),
    ("Home: 77 Oak Drive, Alderbrook, OH 44101", [("77 Oak Drive", L), ("Alderbrook", L), ("44101", L)]),
    ("ZIP code 02139-4307 on file", [("02139-4307", L)]),
    ("She lives in Quispamsis with her son.", [("Quispamsis", L)]),
    ("Moved here from Guadalajara last year.", [("Guadalajara", L)]),
    ("He grew up near\nGarciamouth.", [("Garciamouth", L)]),
    ("A trip to Seattle was planned.", [("Seattle", L)]),
    ("From Hampden County jail.", [("Hampden County", L)]),
    ("He works at Walmart on weekends.", [("Walmart", L)]),
    ("Retired from Garza & Sons Plumbing.", [("Garza & Sons Plumbing", L)]),
    ("Teacher at Lawson Elementary School.", [("Lawson Elementary School", L)]),
    # employers and facilities by how they end, and where people work
    ("He is a machinist with Sandy Springs Auto Body.", [("Sandy Springs Auto Body", L)]),
    ("She was a clerk for Nuriddin Paper Mill.", [("Nuriddin Paper Mill", L)]),
    ("She works as a psychotherapist in Arvada.", [("Arvada", L)]),
    ("He is an assessor; employer, Alter Steel.", [("Alter Steel", L)]),
    ("employer Harriett Federal Credit Union", [("Harriett Federal Credit Union", L)]),
    ("Seen at Kimm Pediatrics.", [("Kimm Pediatrics", L)]),
    ("Gibbs Care and Rehab, ward 2", [("Gibbs Care and Rehab", L)]),
    ("filed in the County of Westbrook", [("County of Westbrook", L)]),
    ("Mail to 353 Flint Rd, Passaic.", [("353 Flint Rd", L), ("Passaic", L)]),
    ("P.\nO. Box 4744", [("P.\nO. Box 4744", L)]),
    ("He lives in Oakland Park.", [("Oakland Park", L)]),
]  # fmt: skip

CLEAN = [
    "He called his employer, However, nobody answered.",
    "Seen in the Emergency Department, then the Pain Clinic.",
    "Referred to Cardiology Clinic and Physical Therapy.",
    "BRIEF HOSPITAL COURSE: uneventful.",
    "Hospital Course: she did well.",
    "He lives in Ohio and was born in Mexico.",
    "She lives alone in a house with stairs.",
    "Transferred to Intensive Care Unit in stable condition.",
    "Followed up in Outpatient Clinic.",
    "Boston Naming Test was normal.",
    "Los Angeles grade B esophagitis.",
    "New York Heart Association class II.",
    "Philadelphia collar applied; Ann Arbor stage IV.",
    "Take 40 mg Lasix and 20 mEq potassium.",
    "Works as a nurse, full-time.",
    "2 cm Left Upper Lobe nodule.",
    "Discharged to Home with Hospice.",
    "Smokes 1 pack per day; 12 Hours of sleep.",
    "CPT 99213, ICD 44010.",
    "Return to Clinic in 2 weeks.",
    "The Surgery Center was closed.",
    "She is a patient with Congestive Heart Failure.",
    "He is a candidate for Cardiac Rehab.",
    "She works as a nurse in ICU.",
    "Follow up with Pediatrics in General Surgery.",
    "He was seen in Primary Care and in Physical Therapy.",
    "General anesthesia; memorial fund.",
    "This was the case for Open Reduction.",
    "The University of the body and mind.",
    "Continue Medical Imaging per protocol.",
    "City of residence unknown.",
]


@pytest.mark.parametrize(("text", "places"), TABLE)
def test_places(finds, text: str, places: list[tuple[str, str]]) -> None:
    assert finds(text) == places


@pytest.mark.parametrize("text", CLEAN)
def test_no_places(finds, text: str) -> None:
    assert finds(text) == []


def test_as_many_rows_must_stay_as_must_go() -> None:
    assert len(CLEAN) >= len(TABLE)
