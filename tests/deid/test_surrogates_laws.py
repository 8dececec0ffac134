"""Laws of surrogates for what was written: never the original, one for each patient, intervals to the day."""

from __future__ import annotations

import datetime
import ipaddress
import re
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clinsynth.corpus import PHI_LABELS, Note, Span
from clinsynth.deid import TAG, neutralise, to_surrogates, to_tags
from clinsynth.deid.checks import could_be_given_out
from clinsynth.deid.surrogates import dates, names
from clinsynth.deid.surrogates.keyed import Keyed, normal
from clinsynth.deid.tags import tag_places

KEYS = st.text(min_size=1, max_size=8)
DAYS = st.dates(datetime.date(1930, 1, 1), datetime.date(2040, 12, 31))


def written(*parts: str | tuple[str, str], note: str = "n", patient: str | None = "p") -> Note:
    """A note of plain text and of identifiers, each a pair of text and label."""
    text, phi = "", []
    for part in parts:
        words, label = part if isinstance(part, tuple) else (part, "")
        if label:
            phi.append(Span(len(text), len(text) + len(words), label))
        text += words
    return Note(note, text, phi=tuple(phi), patient_id=patient)


def values(filled: Note, label: str = "") -> list[str]:
    return [filled.text[s.start : s.end] for s in filled.phi if not label or s.label == label]


def surrogate(words: str, label: str, key: str = "key") -> str:
    (value,) = values(to_surrogates(written((words, label)), key))
    return value


IDENTIFIERS: dict[str, list[str]] = {
    "NAME": ["John Smith", "SMITH, JOHN A.", "smith", "Ada O'Brien-Okonkwo, MD", "J.S.", "J. Smith", "van der Berg", "Жан", "X", "Xu Qi", "Dr. Müller Jr.", "李"],
    "LOCATION": ["Mercy General Hospital", "214 Oak Street, Apt 3, Dover, OH 44101", "44101-1234", "New Haven", "BOSTON", "Lake County", "7", "St. Mary's Clinic", "Bank of Dover", "P.O. Box 12"],
    "DATE": ["3/4/2019", "2019-03-04", "March 4th", "04-Mar-19", "March 2019", "3/2019", "3/4", "fourth of March", "the 4th of March, 2019", "March", "Monday, March 4", "3/4 - 3/6/2019", "March 30-31, 2019", "20190304", "03041961", "29 February", "2/29/2020 10:15", "March", "mm/dd/yyyy", "Christmas", "'19"],
    "AGE": ["97", "ninety-four", "nineties", "101-year-old", "94 y/o", "90s", "one hundred and two", "99F", "a hundred"],
    "PHONE": ["617-867-5309", "(617) 867-5309 x22", "+1 617.867.5309", "867-5309", "+44 20 7946 0958", "pager 4321", "x4321", "16178675309", "1-800-FLOWERS", "ext. 12"],
    "FAX": ["617-867-5309", "6178675309"],
    "EMAIL": ["john.smith@mercy.org", "JS@MERCY.ORG"],
    "SSN": ["123-45-6789", "123456789", "xxx-xx-6789", "6789", "123 45 6789"],
    "MRN": ["4821937", "MR-48 219", "A12", "7", "00001234"],
    "HEALTH_PLAN": ["1EG4-TE5-MK73", "1EG4TE5MK73", "XYZ123456789"],
    "ACCOUNT": ["4539 5787 6362 1486", "GB82WEST12345698765432", "1234567893"],
    "LICENSE": ["BS1234563", "1234567893", "S530-4201-8829"],
    "VEHICLE": ["1M8GDM9AXKP042788", "ABC-1234", "7XYZ123"],
    "DEVICE": ["00:1B:44:11:3A:B7", "(01)00844588003288(17)141120(21)X1", "SN-48213"],
    "URL": ["https://www.mercy.org/staff/smith", "mercy.org", "www.mercy.org"],
    "IP": ["10.0.0.7", "10.0.0.0/8", "fe80::1:2"],
    "BIOMETRIC": ["fingerprint template FP-4821", "retinal scan on file: RS99"],
    "PHOTO": ["facial photo IMG_4821.jpg", "photo-1.png", "patient photograph"],
    "OTHER_ID": ["S19-4821", "123e4567-e89b-12d3-a456-426614174000", "jsmith42"],
}  # fmt: skip
CASES = [(label, words) for label, listed in IDENTIFIERS.items() for words in listed]
ANY = st.sampled_from(CASES) | st.tuples(st.sampled_from(PHI_LABELS), st.text(min_size=1, max_size=12))
FREE = st.sampled_from([" told ", "\n", " seen Monday, ", ", ", " <|DATE|> ", " <|end|> ", " Pt "])


@st.composite
def notes(draw: st.DrawFn) -> Note:
    parts: list[str | tuple[str, str]] = [draw(FREE)]
    for label, words in draw(st.lists(ANY, max_size=6)):
        parts += [(words, label), draw(FREE)]
    made = written(*parts, patient=draw(st.sampled_from(["p", None])))
    edges = sorted(set(draw(st.lists(st.integers(0, len(made.text)), max_size=6))))
    entities = tuple(Span(a, b, "PROBLEM") for a, b in zip(edges[::2], edges[1::2]))
    return Note("n", made.text, entities=entities, phi=made.phi, patient_id=made.patient_id)


def days_alike(text: str) -> str:
    """The text with one name for all days of the week, which go with the dates beside them."""
    return re.sub(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day", "someday", text)


def apart(note: Note) -> list[str]:
    """Words of the entities that touch no identifier."""
    touched = [e for e in note.entities if any(e.start < s.end and s.start < e.end for s in note.phi)]
    text = neutralise(note.text)
    return [days_alike(text[e.start : e.end]) for e in note.entities if e not in touched]


@settings(deadline=None)
@given(notes(), KEYS)
def test_entities_move_along(note: Note, key: str) -> None:
    whole = Note("n", note.text, phi=tuple(tag_places(note.text, note.phi)), patient_id=note.patient_id)
    near = [(e, note.text[max(e.start - 6, 0) : e.end + 6]) for e in note.entities]
    entities = tuple(e for e, around in near if "onday" not in around)
    placed = replace(whole, entities=entities)
    filled = to_surrogates(placed, key)
    kept = iter(apart(filled))
    for words in apart(placed):  # each is there, in order; clipped ones may stand between
        if any(map(str.isalnum, words)):
            assert words in kept


@settings(deadline=None)
@given(notes(), KEYS)
def test_phi_lies_on_the_values_and_parses_back(note: Note, key: str) -> None:
    filled = to_surrogates(note, key)
    tagged = to_tags(note, note.phi)
    assert [s.label for s in filled.phi] == [s.label for s in tagged.phi]
    assert all(a.end <= b.start for a, b in zip(filled.phi, filled.phi[1:]))
    assert days_alike(to_tags(filled, filled.phi).text) == days_alike(tagged.text)
    assert filled == to_surrogates(note, key)
    for tag in TAG.finditer(filled.text):  # what stays a tag is counted as one
        assert Span(tag.start(), tag.end(), tag[1]) in filled.phi
    assert neutralise(TAG.sub("", filled.text)) == TAG.sub("", filled.text)


@settings(deadline=None)
@given(ANY, KEYS)
def test_no_surrogate_is_the_original_and_none_of_a_surrogate_either(
    case: tuple[str, str], key: str
) -> None:
    label, words = case
    assume(any(map(str.isalnum, words)) and "<|" not in words)
    once = surrogate(words, label, key)
    if label == "AGE":  # the band is no identifier, and stays
        assert TAG.fullmatch(once) or surrogate(once, label, key) == once
        return
    assert normal(once) != normal(words)
    if not TAG.fullmatch(once):
        twice = surrogate(once, label, key)
        assert normal(twice) not in {normal(once), normal(words)}


@pytest.mark.parametrize(("label", "words"), CASES)
def test_the_form_is_kept_and_few_stay_tags(label: str, words: str) -> None:
    tags = {"mm/dd/yyyy", "Christmas", "'19", "patient photograph", "90s"}
    value = surrogate(words, label)
    assert bool(TAG.fullmatch(value)) == (words in tags - {"90s"})
    if label in {"MRN", "SSN", "HEALTH_PLAN", "ACCOUNT", "LICENSE", "VEHICLE", "OTHER_ID"}:
        assert (
            re.sub(r"[A-Za-z]", "a", re.sub(r"\d", "9", value))
            == re.sub(r"[A-Za-z]", "a", re.sub(r"\d", "9", words))
            or label == "HEALTH_PLAN"
            or "-" in words
            or len(words) == 17
        )
        assert not could_be_given_out(value)


def with_suffix(day: datetime.date) -> str:
    end = "th" if 10 < day.day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    return f"{day:%B} {day.day}{end}, {day.year}"


FORMS = [
    "%m/%d/%Y", "%Y-%m-%d", "%m-%d-%y", "%m/%d/%y", "%d-%b-%y", "%d-%b-%Y", "%B %d, %Y", "%b %d %Y", "%d %B %Y",
    "%d%b%Y", "%Y%m%d", "%m.%d.%Y", "%Y/%m/%d", "%A, %B %d, %Y", "%a %m/%d/%Y", "%Y-%m-%dT00:00", "%m/%d/%Y 00:00",
]  # fmt: skip


def without_noughts(day: datetime.date, form: str) -> str:
    return day.strftime(form.replace("%m", "%-m").replace("%d", "%-d"))


def read(text: str, form: str) -> datetime.date:
    plain = re.sub(r"(?<=\d)(?:st|nd|rd|th)", "", text)
    if form == "%b %d %Y" and re.match(
        r"[A-Z][a-z]{3}", plain
    ):  # May is short and long: so may be what comes for it
        form = form.replace("%b", "%B")
    return datetime.datetime.strptime(plain, form).date()


@settings(deadline=None)
@given(st.lists(st.tuples(DAYS, st.sampled_from(FORMS), st.booleans()), min_size=1, max_size=5), KEYS)
def test_intervals_are_kept_to_the_day(
    written_days: list[tuple[datetime.date, str, bool]], key: str
) -> None:
    texts = [
        without_noughts(day, form) if short and form not in {"%Y%m%d"} else day.strftime(form)
        for day, form, short in written_days
    ]
    filled = to_surrogates(written(*[part for text in texts for part in ((text, "DATE"), " and ")]), key)
    shifts = {
        (read(value, form) - day).days % 36525
        for value, (day, form, _) in zip(values(filled), written_days)
    }
    days = dates.shift_days(Keyed(key.encode(), "p"))
    assert shifts <= {days % 36525}  # a year of two figures tells no century
    assert dates.LEAST_DAYS <= abs(days) <= dates.MOST_DAYS


@given(DAYS, st.integers(1, 300), KEYS)
def test_days_by_name_and_without_a_year_keep_their_intervals(
    day: datetime.date, later: int, key: str
) -> None:
    other = day + datetime.timedelta(days=min(later, 170))
    filled = to_surrogates(
        written("seen ", (with_suffix(day), "DATE"), ", again ", (f"{other.month}/{other.day}", "DATE")),
        key,
    )
    first, second = values(filled)
    moved = read(first, "%B %d, %Y")
    assert first == with_suffix(moved)
    wanted = moved + (other - day)
    assert second in {f"{wanted.month}/{wanted.day}", f"{wanted:%m/%d}"}


@given(DAYS, KEYS)
def test_the_day_of_the_week_beside_a_date_goes_with_it(day: datetime.date, key: str) -> None:
    text = f"{day.month}/{day.day}/{day.year}"
    filled = to_surrogates(written(f"on {day:%A}, ", (text, "DATE"), f" ({day:%a})."), key)
    moved = read(values(filled)[0], "%m/%d/%Y")
    abbreviated = f"{moved:%a}" if f"{day:%a}" != "Sat" else "Sat"
    assert filled.text == f"on {moved:%A}, {values(filled)[0]} ({abbreviated})."


GIVEN = st.sampled_from(["John", "Mary", "Ada", "Luis", "Xavier", "Oluwaseun"])
FAMILY = st.sampled_from(["Smith", "O'Brien", "Okonkwo", "Nguyen", "Qureshi", "Garcia"])


@settings(deadline=None)
@given(GIVEN, FAMILY, KEYS)
def test_a_person_has_one_name_however_it_is_written(first: str, last: str, key: str) -> None:
    full = to_surrogates(written((f"{first} {last}", "NAME"), note="n1"), key)
    new_first, new_last = values(full)[0].split(" ")

    def again(text: str) -> str:
        return values(to_surrogates(written("Mr. ", (text, "NAME"), note="n2"), key))[0]

    assert again(first) == new_first
    assert again(last) == new_last
    assert again(last.upper()) == new_last.upper()
    assert again(f"{last.upper()}, {first.upper()} A.").startswith(
        f"{new_last.upper()}, {new_first.upper()} "
    )
    assert again(f"{last}, {first}, MD") == f"{new_last}, {new_first}, MD"
    assert again(f"Dr. {first.lower()} {last.lower()}'s") == f"Dr. {new_first.lower()} {new_last.lower()}'s"
    assert again(f"{first[0]}. {last}") == f"{new_first[0]}. {new_last}"
    assert again(f"{first[0]}.{last[0]}.") == f"{new_first[0]}.{new_last[0]}."
    assert again(f"{first} van der {last}") == f"{new_first} {new_last}"


def test_hidden_characters_and_look_alikes_make_no_other_person_or_day() -> None:
    assert surrogate("Jo\u200bhn Sm\u0456th", "NAME") == surrogate("John Smith", "NAME")
    assert surrogate("3/\u200b4/2019", "DATE") == surrogate("3/4/2019", "DATE")
    assert surrogate("４８２１９３７", "MRN") == surrogate("4821937", "MRN")  # noqa: RUF001


def test_given_names_keep_their_sex() -> None:
    female, male = (names._given(sex) for sex in ("female", "male"))
    for key in map(str, range(50)):
        assert surrogate("Mary", "NAME", key).lower() in female
        assert surrogate("Peter", "NAME", key).lower() in male


def test_every_letter_of_the_ring_has_names_of_every_kind() -> None:
    for kind in ("female", "male", "given", "family"):
        assert min(len(names._pool(kind, letter)) for letter in names._RING) >= 5


@pytest.mark.parametrize(
    ("label", "words"),
    [(label, words) for label, words in CASES if label not in {"AGE"} and len(words) > 6],
)
def test_another_key_or_patient_gives_another_map(label: str, words: str) -> None:
    if TAG.fullmatch(surrogate(words, label)):
        return
    by_key = {surrogate(words, label, str(key)) for key in range(12)}
    by_patient = {
        values(to_surrogates(written((words, label), patient=str(p)), "key"))[0] for p in range(12)
    }
    assert len(by_key) > 4
    assert len(by_patient) > 4


def test_numbers_reach_nobody() -> None:
    for key in map(str, range(60)):
        assert re.fullmatch(r"\(\d{3}\) 555-01\d\d x\d\d", surrogate("(617) 867-5309 x22", "PHONE", key))
        assert re.fullmatch(r"\+1 \d{3} 555 01\d\d", surrogate("+44 20 7946 0958", "PHONE", key))
        assert re.fullmatch(r"555-01\d\d", surrogate("867-5309", "FAX", key))
        assert re.fullmatch(r"9\d\d-[0-4]\d-\d{4}", surrogate("123-45-6789", "SSN", key))
        assert re.fullmatch(r"xxx-xx-\d{4}", surrogate("xxx-xx-6789", "SSN", key))
        assert re.fullmatch(
            r"[\da-f]{1}[26ae](?::[\da-f]{2}){5}", surrogate("00:1b:44:11:3a:b7", "DEVICE", key)
        )
        assert surrogate("1EG4-TE5-MK73", "HEALTH_PLAN", key)[1] in "SLOIBZ"
        assert re.search(r"@example\.(?:com|org|net)$", surrogate("john.smith@mercy.org", "EMAIL", key))
        assert re.search(
            r"\.example\.(?:com|org|net)/\w+$", surrogate("https://www.mercy.org/a", "URL", key)
        )
        assert not ipaddress.ip_address(surrogate("8.8.8.8", "IP", key)).is_global
        assert ipaddress.ip_address(surrogate("2600::1", "IP", key)) in ipaddress.ip_network(
            "2001:db8::/32"
        )
        assert re.fullmatch(r"00[0-4]\d\d-\d{4}", surrogate("44101-1234", "LOCATION", key))
        assert re.fullmatch(r"\d{3} [A-Z]\w+ Street, Apt \d\d, [A-Z]\w+, OH 00[0-4]\d\d",
                            surrogate("214 Oak Street, Apt 3, Dover, OH 44101", "LOCATION", key))  # fmt: skip


@pytest.mark.parametrize(
    ("age", "band"),
    [
        ("97-year-old", "90+-year-old"), ("97", "90+"), ("ninety-four", "90+"), ("nineties", "90s or older"),
        ("in her mid 90s", "in her mid 90s or older"), ("101 y/o", "90+ y/o"), ("90+", "90+"), ("45", "40-49"),
    ],
)  # fmt: skip
def test_ages_become_bands(age: str, band: str) -> None:
    assert surrogate(age, "AGE") == band


@pytest.mark.parametrize(
    ("number", "right"),
    [
        ("4539578763621486", True), ("4539578763621487", False), ("1234567893", True), ("BS1234563", True),
        ("BS1234564", False), ("1M8GDM9AXKP042788", True), ("GB82WEST12345698765432", True), ("900-12-3457", False),
        ("GB83WEST12345698765432", False), ("1EG4-TE5-MK73", True), ("(01)00844588003288", True), ("123-45-6789", True),
    ],
)  # fmt: skip
def test_check_digits(number: str, right: bool) -> None:
    assert could_be_given_out(number) is right


def test_ranges_and_day_first() -> None:
    filled = to_surrogates(
        written(("25/04/2019", "DATE"), " to ", ("03/05/2019", "DATE"), " and ", ("4/25-5/3/2019", "DATE")),
        "key",
    )
    first, second, _ = values(filled)
    assert read(second, "%d/%m/%Y") - read(first, "%d/%m/%Y") == datetime.timedelta(days=8)
    start, stop = surrogate("12/30 - 1/2/2019", "DATE").split(" - ")
    end = read(stop, "%m/%d/%Y")
    begin = end - datetime.timedelta(days=3)
    assert start in {f"{begin:%m/%d}", f"{begin.month}/{begin.day}"}
