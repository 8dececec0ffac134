"""Fingerprints and portraits by reference; and the irises, palms and pictures of examinations."""

from __future__ import annotations

import pytest

TABLE = [
    ("verified by fingerprint template FP-4821.", [("fingerprint template FP-4821", "BIOMETRIC")]),
    ("Authenticated with iris scan record 48219", [("iris scan record 48219", "BIOMETRIC")]),
    ("ID check: palm vein template PV4821", [("palm vein template PV4821", "BIOMETRIC")]),
    ("voiceprint VP-482", [("voiceprint VP-482", "BIOMETRIC")]),
    ("On file: full-face photograph IMG_482.jpg", [("full-face photograph IMG_482.jpg", "PHOTO")]),
    ("Attachment: PIC-482.png", [("PIC-482.png", "PHOTO")]),
    ("The finger\nprints were taken.", [("finger\nprints", "BIOMETRIC")]),
    ("Her iris image was kept.", [("iris image", "BIOMETRIC")]),
    ("ID photo: IMG_2041.jpg", [("ID photo: IMG_2041.jpg", "PHOTO")]),
    ("He showed a photo ID picture.", [("photo ID picture", "PHOTO")]),
    ("face photograph no. 48219", [("face photograph no. 48219", "PHOTO")]),
]  # fmt: skip

CLEAN = [
    "Iris and lens 2 mm, retina attached.",
    "Palm erythema, 2 fingers numb.",
    "Photographs were taken before the incision.",
    "Picture of 3 overlapping syndromes.",
    "Voice 2 weeks hoarse; face drooping.",
    "ID photo: none on file",
    "Retinal scan was normal.",
    "Photophobia for 3 days.",
]


@pytest.mark.parametrize(("text", "references"), TABLE)
def test_references(finds, text: str, references: list[tuple[str, str]]) -> None:
    assert finds(text) == references


@pytest.mark.parametrize("text", CLEAN)
def test_no_references(finds, text: str) -> None:
    assert finds(text) == []
