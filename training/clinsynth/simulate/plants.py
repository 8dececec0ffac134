"""Where identifiers of the rarer classes stand in a note: lines of the header, sentences, lines of the
sign-off.

Names, dates, record numbers and facilities stand in every note anyway. Each template names the place where
it reads naturally; ``{X}`` is the identifier, the words around it are no part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Final

from clinsynth.simulate import identifiers
from clinsynth.simulate.people import Name
from clinsynth.simulate.phrase import Phrase, fill

HEADER: Final = "header"
SOCIAL: Final = "social"
PLAN: Final = "plan"
SIGN_OFF: Final = "sign-off"

_TEMPLATES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "PHONE": (
        (HEADER, "Phone: {X}"),
        (HEADER, "Tel {X}"),
        (HEADER, "Contact number: {X}"),
        (SOCIAL, "Emergency contact can be reached at {X}"),
        (PLAN, "Call {X} with questions or new symptoms"),
        (PLAN, "A callback number of {X} was left with the front desk"),
        (SIGN_OFF, "Pager/phone {X}"),
        (SIGN_OFF, "Office: {X}"),
    ),
    "FAX": (
        (HEADER, "Fax: {X}"),
        (PLAN, "Outside records are to be faxed to {X}"),
        (PLAN, "Results will be sent by fax to {X}"),
        (SIGN_OFF, "Fax {X}"),
        (SIGN_OFF, "cc: referring office, fax {X}"),
    ),
    "EMAIL": (
        (HEADER, "Email: {X}"),
        (SOCIAL, "Prefers to be contacted by email at {X}"),
        (PLAN, "Questions may be sent to {X}"),
        (SIGN_OFF, "{X}"),
        (SIGN_OFF, "Email: {X}"),
    ),
    "SSN": (
        (HEADER, "SSN: {X}"),
        (HEADER, "Soc. Sec. No.: {X}"),
        (HEADER, "Social Security #: {X}"),
        (PLAN, "Disability paperwork was completed under social security number {X}"),
    ),
    "HEALTH_PLAN": (
        (HEADER, "Member ID: {X}"),
        (HEADER, "Insurance ID: {X}"),
        (HEADER, "Policy #: {X}"),
        (HEADER, "Medicare no.: {X}"),
        (PLAN, "Prior authorization was requested under member ID {X}"),
        (PLAN, "Coverage was confirmed, subscriber number {X}"),
    ),
    "ACCOUNT": (
        (HEADER, "Acct #: {X}"),
        (HEADER, "Account Number: {X}"),
        (HEADER, "Billing acct: {X}"),
        (SIGN_OFF, "Billed to account {X}"),
        (PLAN, "Charges to be posted to account {X}"),
    ),
    "LICENSE": (
        (SIGN_OFF, "License No. {X}"),
        (SIGN_OFF, "Lic. # {X}"),
        (SIGN_OFF, "NPI/DEA {X}"),
        (SOCIAL, "Identity was confirmed by driver's license {X}"),
        (HEADER, "Driver's license: {X}"),
    ),
    "VEHICLE": (
        (SOCIAL, "Drives to work in a sedan with license plate {X}"),
        (SOCIAL, "Told not to drive until seen again; car in the garage, plate {X}"),
        (PLAN, "Transport by ambulance unit with plate {X}"),
        (PLAN, "A parking permit was validated for vehicle {X}"),
        (HEADER, "Vehicle plate (parking): {X}"),
        (HEADER, "Vehicle in accident report: {X}"),
    ),
    "DEVICE": (
        (HEADER, "Infusion pump S/N: {X}"),
        (HEADER, "Device serial no.: {X}"),
        (PLAN, "A home blood pressure monitor (serial number {X}) was issued"),
        (PLAN, "Telemetry box serial {X} was returned"),
        (SOCIAL, "Wears a hearing aid, serial no. {X}"),
        (SIGN_OFF, "Recorded with portable monitor S/N {X}"),
    ),
    "URL": (
        (HEADER, "Images: {X}"),
        (PLAN, "Written information is available at {X}"),
        (PLAN, "Results will be posted at {X}"),
        (SIGN_OFF, "Portal: {X}"),
    ),
    "IP": (
        (SIGN_OFF, "Electronically signed from workstation {X}"),
        (SIGN_OFF, "Session log: {X}"),
        (HEADER, "Originating host: {X}"),
        (PLAN, "A video visit was attempted from address {X}"),
    ),
    "BIOMETRIC": (
        (HEADER, "Identity verified by {X}"),
        (HEADER, "ID check: {X}"),
        (SOCIAL, "Registration was confirmed with {X}"),
        (SIGN_OFF, "Authenticated with {X}"),
    ),
    "PHOTO": (
        (HEADER, "On file: {X}"),
        (HEADER, "ID: {X}"),
        (PLAN, "With consent, {X} was uploaded to the chart"),
        (SOCIAL, "Recognized from {X} at registration"),
        (SIGN_OFF, "Attachment: {X}"),
    ),
    "OTHER_ID": (
        (HEADER, "Accession #: {X}"),
        (HEADER, "Encounter ID: {X}"),
        (HEADER, "Visit no. {X}"),
        (PLAN, "Enrolled in the registry as subject {X}"),
        (PLAN, "Blood was sent under specimen number {X}"),
        (SIGN_OFF, "Document ID: {X}"),
    ),
}

RARE_LABELS: Final = tuple(_TEMPLATES)
"""Labels that are planted here; ``AGE`` depends on the patient."""

_CHANCES: Final[Mapping[str, float]] = {
    "PHONE": 0.3,
    "FAX": 0.08,
    "EMAIL": 0.07,
    "SSN": 0.06,
    "HEALTH_PLAN": 0.09,
    "ACCOUNT": 0.09,
    "LICENSE": 0.06,
    "VEHICLE": 0.03,
    "DEVICE": 0.04,
    "URL": 0.05,
    "IP": 0.03,
    "BIOMETRIC": 0.02,
    "PHOTO": 0.02,
    "OTHER_ID": 0.12,
}


def draw_plants(
    rng: Random, wanted: Iterable[str], places: tuple[str, ...], people: tuple[Name, ...]
) -> dict[str, list[Phrase]]:
    """Place -> sentences to put there.

    Args:
        wanted: labels that must appear; others appear by chance.
        places: places that the note has.
        people: whose an e-mail address may be, the patient first.
    """
    labels = [label for label in RARE_LABELS if label in set(wanted) or rng.random() < _CHANCES[label]]
    plants: dict[str, list[Phrase]] = {}
    for label in labels:
        place, template = rng.choice([pair for pair in _TEMPLATES[label] if pair[0] in places])
        if label == "EMAIL":
            patient_only = place == SOCIAL
            value = identifiers.email(rng, people[0] if patient_only else rng.choice(people))
        else:
            value = identifiers.UNNAMED[label](rng)
        plants.setdefault(place, []).append(fill(template, X=((value, label),)))
    return plants
