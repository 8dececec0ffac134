"""Numbers of people, papers and things; and the lots, cases, plans and plates that are none."""

from __future__ import annotations

import pytest

TABLE = [
    ("SSN: 666-12-3456", [("666-12-3456", "SSN")]),
    ("Soc. Sec. No.: 666 12 3456", [("666 12 3456", "SSN")]),
    ("social security number ending in 3456", [("3456", "SSN")]),
    ("MRN: 4821937", [("4821937", "MRN")]),
    ("MRN H4821937", [("H4821937", "MRN")]),
    ("Medical Rceord #: 482-19-37", [("482-19-37", "MRN")]),  # misspelt
    ("Chart # - 001610704", [("001610704", "MRN")]),
    ("Medicare no.: 1EG4-TE5-MK73", [("1EG4-TE5-MK73", "HEALTH_PLAN")]),
    ("member ID FP 8353412 05", [("FP 8353412 05", "HEALTH_PLAN")]),
    ("Policy #: XGH482193650", [("XGH482193650", "HEALTH_PLAN")]),
    ("Acct #: 00482193-12", [("00482193-12", "ACCOUNT")]),
    ("Billed to account V48219365", [("V48219365", "ACCOUNT")]),
    ("intake 1726-LZ-12 was opened", [("1726-LZ-12", "OTHER_ID")]),
    ("License No. MD-48219", [("MD-48219", "LICENSE")]),
    ("NPI/DEA 1438546319", [("1438546319", "LICENSE")]),
    ("Signed on call, MD (KS 161710)", [("KS 161710", "LICENSE")]),  # a state's, behind a title
    ("driver's license S482-1936-5012", [("S482-1936-5012", "LICENSE")]),
    ("VIN 1HGCM82633A004352", [("1HGCM82633A004352", "VEHICLE")]),
    ("license plate\nERY-1803", [("ERY-1803", "VEHICLE")]),
    ("Pump S/N: DK1499/82", [("DK1499/82", "DEVICE")]),
    ("(serial\nnumber SN-28745928)", [("SN-28745928", "DEVICE")]),
    ("Accession #: 19-SU-48219", [("19-SU-48219", "OTHER_ID")]),
    ("enrolled in the registry as subject 42-963-3532", [("42-963-3532", "OTHER_ID")]),
    ("Visit no. 63-384-8974", [("63-384-8974", "OTHER_ID")]),
    ("id 550e8400-e29b-41d4-a716-446655440000", [("550e8400-e29b-41d4-a716-446655440000", "OTHER_ID")]),
]  # fmt: skip

CLEAN = [
    "Reviewed with the MD (CT 120 kV, 1203 images).",
    "Oral intake 1250 ml, output 900 ml.",
    "A lot of pain; lot of 20 pills.",
    "Plan: 3 tablets daily for 10 days.",
    "Case 2 was similar to case 1.",
    "Group 1 and group 2 did not differ.",
    "Plate 3.5 mm with 6 screws; growth plate 2009.",
    "Chart reviewed. Record kept. File closed.",
    "Medical history: 2 strokes.",
    "Unit 4 West; hospital day 12.",
    "Model of care 2.0",
    "Policy discussed in 2019.",
    "Account of the fall given by 2 people.",
    "License to drive was withdrawn in 2018.",
    "Order 2 units; study 12 months long.",
    "Subject was lost after 24 months.",
    "Order number 2 of 3.",
    "Insurance denied 90 mg, allowed 60 mg.",
    "Report of 3/12 criteria.",
    "ICD-10 code E11.65, CPT code 99213.",
    "Specimen 3 cm x 2 cm.",
    "Serial troponins 0.01, 0.02.",
    "Tag removed from 2 lesions.",
    "Card 4 of the Rorschach test.",
    "Vitamin B12 1000 mcg, CA 19-9 35.",
]


@pytest.mark.parametrize(("text", "numbers"), TABLE)
def test_numbers(finds, text: str, numbers: list[tuple[str, str]]) -> None:
    assert finds(text) == numbers


@pytest.mark.parametrize("text", CLEAN)
def test_no_numbers(finds, text: str) -> None:
    assert finds(text) == []


def test_as_many_rows_must_stay_as_must_go() -> None:
    assert len(CLEAN) >= len(TABLE)
