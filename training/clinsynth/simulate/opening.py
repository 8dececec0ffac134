"""Header and sign-off: where most identifiers of a note stand."""

from __future__ import annotations

from typing import Final

from clinsynth.simulate.context import Context
from clinsynth.simulate.phrase import Phrase, capitalised, chained, fill, plain
from clinsynth.simulate.plants import HEADER, SIGN_OFF

_TITLES: Final = {
    "discharge summary": ("Discharge Summary", "DISCHARGE SUMMARY", "Hospital Discharge Summary"),
    "history and physical": (
        "History and Physical",
        "ADMISSION HISTORY AND PHYSICAL",
        "H&P",
        "Admission Note",
    ),
    "progress note": ("Progress Note", "PROGRESS NOTE", "Daily Progress Note", "Inpatient Progress Note"),
    "consultation": ("Consultation", "CONSULTATION NOTE", "Inpatient Consult", "Consultation Report"),
    "emergency department note": (
        "Emergency Department Note",
        "ED NOTE",
        "Emergency Department Visit",
        "ED Provider Note",
    ),
    "radiology report": ("Radiology Report", "RADIOLOGY REPORT", "Diagnostic Imaging Report"),
    "operative report": ("Operative Report", "OPERATIVE REPORT", "Operation Note"),
    "clinic letter": ("Clinic Letter", "OUTPATIENT LETTER", "Clinic Correspondence"),
}


def titled(text: str) -> str:
    """``Obstetrics and Gynecology``."""
    return text.title().replace(" And ", " and ")


def write_header(context: Context) -> None:
    """Facility, title, and a block of lines, or one line, that identifies patient and visit."""
    note = context.note
    top = [context.place(), plain(context.rng.choice(_titles(context)))]
    if context.specialty != "radiology" or context.chance(0.5):
        service = titled(context.specialty) if context.chance(0.7) else context.specialty
        top.append(plain(context.pick(f"Service: {service}", f"Department of {service}", service)))
    else:
        top.append(plain("Radiology"))
    if context.chance(0.35):
        context.rng.shuffle(top)
    if context.chance(0.15):
        note.line(chained(*(p if i == 0 else chained(" - ", p) for i, p in enumerate(top))))
    else:
        for phrase in top:
            note.line(phrase)
    note.blank()
    fields = _fields(context)
    if context.chance(0.2):
        separator = context.pick(" | ", "   ", "; ")
        note.line(chained(*(f if i == 0 else chained(separator, f) for i, f in enumerate(fields[:4]))))
        fields = fields[4:]
    for phrase in fields:
        note.line(phrase)


def _titles(context: Context) -> list[str]:
    titles = _TITLES[context.note_type]
    outpatient = "inpatient" not in context.case.principal.settings
    return [title for title in titles if not (outpatient and "Inpatient" in title)]


def _fields(context: Context) -> list[Phrase]:
    patient = context.case.patient
    colon = context.pick(": ", ": ", " - ", ":  ")
    label = context.pick
    fields = [
        chained(label("Patient", "Name", "Patient Name", "PATIENT", "Pt") + colon, context.patient_name()),
        chained(
            label("MRN", "MRN", "Medical Record #", "Med Rec No", "Unit No", "Chart #") + colon,
            ((patient.mrn, "MRN"),),
        ),
        *_dates(context, colon),
    ]
    if context.chance(0.75):
        fields.append(
            chained(label("DOB", "Date of Birth", "D.O.B.", "Born") + colon, context.on(patient.birth))
        )
    if context.chance(0.6):
        fields.append(
            chained(label("Age/Sex", "Age", "Patient age") + colon, context.age(), f" {_sex(context)}")
        )
    if context.chance(0.22):
        fields.append(chained(label("Address", "Home", "Residence") + colon, _address(context)))
    if context.chance(0.5):
        fields.append(
            chained(
                label("Attending", "Attending Physician", "Physician", "Provider") + colon,
                context.doctor(context.attending, signed=context.chance(0.6)),
            )
        )
    if context.chance(0.25):
        fields.append(
            chained(
                label("PCP", "Primary Care Physician", "Family doctor") + colon,
                context.doctor(context.family_doctor),
            )
        )
    if context.note_type != "clinic letter" and context.chance(0.25):
        location = (
            f"{context.pick('4 West', '6 North', 'Bay 12', 'ICU 3', 'Room 214', '5B', 'Tower 7', '3 East')}"
        )
        fields.append(plain(f"{label('Unit', 'Ward', 'Location')}{colon}{location}"))
    fields.extend(context.take_plants(HEADER))
    first, rest = fields[:2], fields[2:]
    context.rng.shuffle(rest)
    return [*first, *rest]


def _sex(context: Context) -> str:
    return context.pick("female", "F", "Female") if context.female else context.pick("male", "M", "Male")


def _address(context: Context) -> Phrase:
    patient = context.case.patient
    return fill(
        "{street}, {city}, {state} {code}",
        street=((patient.street, "LOCATION"),),
        city=((patient.city, "LOCATION"),),
        state=patient.state,
        code=((patient.zip_code, "LOCATION"),),
    )


def _dates(context: Context, colon: str) -> list[Phrase]:
    label = context.pick
    day = context.on(context.day)
    if context.note_type == "discharge summary":
        return [
            chained(
                label("Admission Date", "Date of Admission", "Admitted", "Admit date") + colon,
                context.on(context.admitted),
            ),
            chained(label("Discharge Date", "Date of Discharge", "Discharged") + colon, day),
        ]
    names = {
        "radiology report": ("Exam Date", "Date of Exam", "Date of Study", "Performed"),
        "operative report": ("Date of Procedure", "Date of Operation", "Date of Surgery"),
        "clinic letter": ("Date", "Clinic date", "Date of Visit"),
        "progress note": ("Date", "Date of Service", "DOS", "Note date"),
    }.get(context.note_type, ("Date of Service", "Date", "Date of Visit", "DOS", "Service Date"))
    return [chained(label(*names) + colon, day)]


_CLOSINGS: Final = (
    "Electronically signed by {doctor} on {day}",
    "Signed: {doctor}, {day}",
    "{doctor}\n{service}",
    "Dictated by: {doctor}\nDate dictated: {day}",
    "/s/ {doctor}\n{day}",
    "Attending: {doctor}",
    "Electronically Signed\n{doctor}\n{service}, {place}",
)


def write_sign_off(context: Context) -> None:
    """Who signed, when, and whatever identifiers are planted below."""
    note = context.note
    note.blank()
    template = context.rng.choice(_CLOSINGS)
    note.line(
        fill(
            template,
            doctor=context.doctor(context.attending, signed=True),
            day=context.on(context.day),
            service=titled(context.specialty),
            place=context.place(),
        )
    )
    if context.chance(0.2):
        note.line(chained(context.pick("cc: ", "CC: ", "Copy to: "), context.doctor(context.family_doctor)))
    for phrase in context.take_plants(SIGN_OFF):
        note.line(capitalised(phrase))
