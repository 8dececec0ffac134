"""Telephone, fax, e-mail, web and IP addresses; and the numbers of clinics that look like them."""

from __future__ import annotations

import pytest

TABLE = [
    ("Call 617-555-0101 with questions.", [("617-555-0101", "PHONE")]),
    ("Tel (617) 555-0101 x22", [("(617) 555-0101 x22", "PHONE")]),
    ("Cell: 617.555.0101", [("617.555.0101", "PHONE")]),
    ("+1 617 555 0101", [("+1 617 555 0101", "PHONE")]),
    ("Phone 6175550101", [("6175550101", "PHONE")]),
    ("reach her at 555-0101", [("555-0101", "PHONE")]),
    ("Pager 41827", [("41827", "PHONE")]),
    ("+44 20 7946 0958", [("+44 20 7946 0958", "PHONE")]),
    ("Fax: 617-555-0102", [("617-555-0102", "FAX")]),
    ("faxed to\n(617) 555-0102", [("(617) 555-0102", "FAX")]),
    ("Phone 617-555-0101, fax 617-555-0102", [("617-555-0101", "PHONE"), ("617-555-0102", "FAX")]),
    ("ada.okafor@mail.example.org wrote", [("ada.okafor@mail.example.org", "EMAIL")]),
    ("See https://portal.example.org/r/48?id=2.", [("https://portal.example.org/r/48?id=2", "URL")]),
    ("at www.example.org/patients/48", [("www.example.org/patients/48", "URL")]),
    ("listed on example.com", [("example.com", "URL")]),
    ("from workstation 192.0.2.44", [("192.0.2.44", "IP")]),
    ("host 2001:db8::8a2e:370", [("2001:db8::8a2e:370", "IP")]),
]  # fmt: skip

CLEAN = [
    "Hemoglobin 12.1, WBC 8,400, platelets 250,000.",
    "BP 120-130 over 70-80.",
    "Given 500-1000 mL of saline.",
    "Sodium 140 - 142 - 139.",
    "Call with questions.",
    "Number of episodes 3 to 5.",
    "Room 214, bed 2, extension splint.",
    "CPT 99213-25, NDC 0002-8215.",
    "Version 1.2.3 of the score.",
    "home dose 1250 units",
    "Seen at 10:22:14.",
    "e.g. aspirin, i.e. daily",
    "q.i.d. and b.i.d. dosing",
    "Ratio 1:2:4 of the mixture.",
    "4.5.6 cm mass",
    "Work of breathing 100 percent.",
    "Fax machine broken; phone lost.",
]


@pytest.mark.parametrize(("text", "contacts"), TABLE)
def test_contacts(finds, text: str, contacts: list[tuple[str, str]]) -> None:
    assert finds(text) == contacts


@pytest.mark.parametrize("text", CLEAN)
def test_no_contacts(finds, text: str) -> None:
    assert finds(text) == []


def test_as_many_rows_must_stay_as_must_go() -> None:
    assert len(CLEAN) >= len(TABLE)
