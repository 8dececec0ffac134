"""Dates and high ages; and the fractions, scores, doses and vitals that look like them."""

from __future__ import annotations

import pytest

D, A = "DATE", "AGE"
TABLE = [
    ("Seen 03/14/2019 in clinic.", [("03/14/2019", D)]),
    ("DOB: 3-4-55", [("3-4-55", D)]),
    ("Admitted 2019-03-14 at 10:22", [("2019-03-14", D)]),
    ("Dated 14.03.2019", [("14.03.2019", D)]),
    ("On March 14, 2019 he fell.", [("March 14, 2019", D)]),
    ("14 March 2019", [("14 March 2019", D)]),
    ("14-Mar-19 labs", [("14-Mar-19", D)]),
    ("on the 4th of July 2012", [("4th of July 2012", D)]),
    ("Biopsy on Mar. 3rd was benign.", [("Mar. 3rd", D)]),
    ("Seen October the 22nd in consultation", [("October the 22nd", D)]),
    ("Seen October 22 in clinic", [("October 22", D)]),
    ("An aunt lived to be ninety-two.", [("ninety-two", "AGE")]),
    ("Her mother is alive at 101 and well.", [("101", "AGE")]),
    ("MRI in June 2006", [("June 2006", D)]),
    ("last seen 06/2006", [("06/2006", D)]),
    ("Pain since May.", [("May", D)]),
    ("Surgery on 3/14, drain out 3/17/19.", [("3/14", D), ("3/17/19", D)]),
    ("CT head (11/4) was clean.", [("11/4", D)]),
    ("Echo from\n9/15 showed EF 60%.", [("9/15", D)]),
    ("Admitted 3/14-3/20/2019", [("3/14-3/20/2019", D)]),
    ("Visit date MM/DD/YYYY", [("MM/DD/YYYY", D)]),  # placeholders
    ("on XX/XX/2004", [("XX/XX/2004", D)]),
    ("Home for Thanksgiving.", [("Thanksgiving", D)]),
    ("Back on Monday, the 20th, or Friday the 3rd.", [("20th", D), ("3rd", D)]),
    ("Died at age 91.", [("91", A)]),
    ("This 94-year-old man fell.", [("94", A)]),
    ("102 y.o. female", [("102", A)]),
    ("ninety-two-year-old woman", [("ninety-two", A)]),
]  # fmt: skip

CLEAN = [
    "Tender over the 5th metatarsal and the 4th toe.",
    "Seen on Monday at 10:22.",
    "Appendectomy in 1994.",
    "BP 120/80, pulse 72, temp 98.6 F.",
    "Temp 99.1 F, Tc 99m scan.",
    "Strength 4/5 in the right leg.",
    "Strength was (5/5) throughout.",
    "Pain 7/10 on exertion.",
    "A 2/6 systolic murmur.",
    "Take 1/2 tablet daily, 1-2 tablets at night.",
    "3/4 strength bilaterally; Apgars 8/9.",
    "Disc at L4-5 and C5-6.",
    "Ratio 12/5 and 0.5-1.5 mg/dL.",
    "A 64-year-old man, 89 years of age next week.",
    "Patient may go home.",
    "March in place for balance.",
    "Lost 95 lb, weighs 92 kg.",
    "Oxygen saturation 98% on 2 L.",
    "10-20 mg every 4-6 hours.",
    "Wedge pressure 17/5/10 mmHg",
    "Gleason 3+4, 2 of 12 cores, 3/12 nodes positive.",
    "90 mg for 100 days.",
    "Nodes 3/15 positive.",
    "The 1990s and the year 2004.",
    "May 3 tablets be taken?",
    "A reference range of 100 to be exact.",
    "He may be ninety percent better.",
    "Alive at 30 days.",
]


@pytest.mark.parametrize(("text", "dates"), TABLE)
def test_dates_and_ages(finds, text: str, dates: list[tuple[str, str]]) -> None:
    assert finds(text) == dates


@pytest.mark.parametrize("text", CLEAN)
def test_no_dates_and_ages(finds, text: str) -> None:
    assert finds(text) == []


def test_as_many_rows_must_stay_as_must_go() -> None:
    assert len(CLEAN) >= len(TABLE)
