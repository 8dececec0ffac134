"""What streets, towns, facilities and employers look like on paper."""

from __future__ import annotations

import re
from string import ascii_lowercase
from typing import Final

from clinsynth.deid.lexicons import states
from clinsynth.deid.recognizers.anchors import first_words
from clinsynth.deid.recognizers.forms import APOSTROPHE, LETTER, UPPER

_GAP: Final = r"[ \t]?\n?[ \t]?"  # a blank, or the end of a line
_SMALL: Final = r"(?:of|the|and|for|&|de|del|la|las|los|on)"
# A full stop is part of a short word alone ("St.", "Mt."): elsewhere a sentence ends.
_NAME_WORD: Final = (
    rf"(?:(?:[{UPPER}][{LETTER}]{{0,2}}\.){{1,3}}|[{UPPER}][{LETTER}{APOSTROPHE[1:-1]}-]{{0,40}})"
)
_STREET_WORD: Final = rf"(?:(?:St|Mt|Ft)\.|[{UPPER}][{LETTER}{APOSTROPHE[1:-1]}-]{{0,40}})"
_NAME: Final = rf"{_NAME_WORD}(?:[ ](?:{_NAME_WORD}|{_SMALL}(?=[ ]))){{0,5}}"
TOWN: Final = rf"{_NAME_WORD}(?:[ ]{_NAME_WORD}){{0,3}}"

_STREET_KIND: Final = (
    "Alley|Ally|Avenue|Ave|Av|Bayou|Beach|Bend|Bluffs?|Bottom|Boulevard|Blvd|Branch|Bridge|"
    "Brooks?|Burgs?|Bypass|Camp|Canyon|Cape|"
    r"Causeway|Centers?|Circles?|Cir|Cliffs?|Club|Common|Commons|Corners?|Course|Courts?|"
    r"Ct|Coves?|Creek|Crescent|Crest|Crossing|"
    r"Crossroads?|Curve|Dale|Dam|Divide|Drives?|Dr(?!\.?[ ][A-Z\x00])|Estates?|Expressway|"
    r"Extensions?|Falls?|Ferry|Fields?|Flats?|Fords?|Forest|Forges?|"
    "Forks?|Fort|Freeway|Gardens?|Gateway|Glens?|Greens?|Groves?|Harbors?|Haven|Heights|"
    "Highway|Hwy|Hills?|Hollow|Inlet|Islands?|Isle|"
    "Junctions?|Keys?|Knolls?|Lakes?|Land|Landing|Lane|Ln|Lights?|Loaf|Locks?|Lodge|Loop|"
    "Mall|Manors?|Meadows?|Mews|Mills?|Mission|Motorway|"
    "Mount|Mountains?|Neck|Orchard|Oval|Overpass|Parks?|Parkways?|Pkwy|Pass|Passage|Path|"
    "Pike|Pines?|Place|Pl|Plains?|Plaza|Points?|Ports?|"
    "Prairie|Radial|Ramp|Ranch|Rapids?|Rest|Ridges?|River|Roads?|Rd|Route|Row|Rue|Run|"
    "Shoals?|Shores?|Skyway|Springs?|Spurs?|Squares?|Sq|Station|"
    "Stravenue|Stream|Streets?|St|Summit|Terrace|Ter|Throughway|Trace|Track|Trafficway|"
    "Trail|Tunnel|Turnpike|Underpass|Unions?|Valleys?|Via|"
    "Viaduct|Views?|Villages?|Ville|Vista|Walks?|Wall|Ways?|Wells?|Wharf|Close|Garth|Grange"
)
_STREET_UPPER: Final = (
    "STREET|AVENUE|AVE|CIRCLE|TERRACE|SQUARE|ROAD|RD|DRIVE|LANE|LN|BOULEVARD|BLVD|COURT|HIGHWAY|HWY|PARKWAY"
)
_FLAT: Final = (
    r"(?:,?[ ](?:(?:Apt|Apartment|Unit|Suite|Ste|Floor|Fl|APT|UNIT|"
    r"SUITE)\.?[ ]?#?[A-Z]?\d{0,5}[A-Z]?(?!\w)|#[ ]?\w{1,6}|\d{1,5}(?=,|[ ]?\n|[ ][|]|\.?$)))?"
)
STATE_CODE: Final = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|"
    r"P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]|AS|FM|GU|MH|MP|PW|VI)"
)
_STATE: Final = rf"(?:{STATE_CODE}|[A-Z][a-z]+(?:[ ][A-Z][a-z]+)?)"
_ZIP: Final = r"\d{5}(?:-\d{4})?(?![\w-]|\.\d)"

STREET: Final = re.compile(
    rf"(?<![\w/.-])(?P<id>\d{{1,6}}[A-Z]?(?:[ ]\d/\d)?[ ](?:[NSEW]\.?[ ]|(?:North|South|East|West)[ ])?"
    rf"(?:(?:{_STREET_WORD}|\d{{1,3}}(?:st|nd|rd|th)){_GAP}){{1,3}}?(?:{_STREET_KIND}|"
    rf"{_STREET_UPPER})\b(?:\.(?=[ ,]))?(?:[ ](?:[NS]?[EW]|[NS])\b)?{_FLAT})"
    rf"(?:,[ ](?P<town>{TOWN})(?!,?[ ]{STATE_CODE}\b))?"
)
ROUTE: Final = re.compile(
    r"(?<![\w/.-])(?P<id>\d{1,6}[ ](?:[nsew]\.?[ ])?(?:(?:state|county|us|u\.s\.|rural|farm)[ \n])?"
    r"(?:route|rte|rt|highway|hwy|road)\.?[ \n]#?\d{1,4})(?![\w/-])"
)
"""``4410 State Route 985``."""
BOX: Final = re.compile(
    r"(?<!\w)(?P<id>(?:P\.?[ \n]?O\.?[ \n]?Box|P\.?O\.? BOX|Post Office Box|PSC)[ \n]#?\d{1,6}(?:,? "
    r"(?:APO|FPO|Box \d{1,5}))?)"
)
FIVE_DIGITS: Final = re.compile(r"\d{5}(?!\w)")
"""With these a ZIP code begins."""
TOWN_STATE_ZIP: Final = re.compile(
    rf"(?<![\w/-])(?P<id>{TOWN}),?{_GAP}(?<!\w)(?P<state>{_STATE}),?{_GAP}(?P<zip>{_ZIP})"
)
TOWN_STATE: Final = re.compile(rf"(?<![\w/-])(?P<id>{TOWN}),{_GAP}(?P<state>{_STATE})(?![\w.-])")
STATE_WORDS: Final = first_words(STATE_CODE) | {state.split()[0] for state in states()}
ZIP_TOLD: Final = re.compile(
    rf"(?<!\w)(?:zip(?:[ -]?code)?|postal code|post code)[ ]{{0,2}}(?:is|of|:|#)?[ ]{{0,3}}(?P<id>{_ZIP})"
)
ZIP_AFTER_STATE: Final = re.compile(rf"(?<![\w/-]){STATE_CODE},?[ ]{{1,2}}(?P<id>{_ZIP})")
COUNTY: Final = re.compile(
    rf"(?<![\w/-])(?P<id>(?P<name>{_NAME_WORD}(?:[ ]{_NAME_WORD})?)[ ]"
    r"(?:County|Parish|Township|Borough|Precinct))(?!\w)"
)
PART_OF: Final = re.compile(
    rf"(?<![\w/-])(?P<id>(?:County|City|Town|Township|Village|Borough|University|Diocese|Archdiocese|COUNTY|CITY|"
    rf"TOWN|UNIVERSITY)[ \n](?:of|OF)[ \n]{_STREET_WORD}(?:[ ]{_STREET_WORD}){{0,3}})"
)
"""``County of Alder``, ``University of Maryland``: the state does not stand alone there."""
COUNTY_WORDS: Final = frozenset({"county", "parish", "township", "borough", "precinct"})
NO_TERM: Final = (
    r"(?![ ](?:[Cc]ollar|[Cc]hromosome|[Nn]aming|[Ss]cientific|[Cc]riteria|[Cc]riterion|[Cc]lassification|"
    r"[Bb]ag|[Ss]yndrome|[Ss]cale|[Ff]ever|[Ss]core|[Hh]eart|[Gg]rade|[Ss]tage|[Pp]rotocol|[Tt]est))"
)
"""Not before the rest of a term: ``Boston Naming Test``."""

_FACILITY_KIND: Final = (
    r"(?:(?:Regional|Memorial|General|Community|Children['\u2019]?s|Veterans|University|County|"
    r"Valley|District|Methodist|Baptist|Presbyterian|Lutheran)[ ])*"
    r"(?:Health Department|Women's Health|School District|Pain Center|"
    r"(?:Surgical|Medical|Orthop[a]?edic|Heart|Eye|Kidney|Cancer|Urology) Specialists|"
    r"Hospitals?|Medical (?:Center|Centre|Group|Associates|Clinic|Plaza|Building|"
    r"Campus)|Health(?:care)?(?: (?:System|Center|Centre|Partners|Network|Services|Clinic|"
    r"Care))?|"
    r"Clinics?|Infirmary|Hospice|Nursing (?:Home|Facility|Center)|Rehab(?:ilitation)?(?: "
    r"(?:Center|Hospital|Institute|Facility))|Assisted Living|Retirement (?:Home|Community|"
    r"Center|Village)|"
    r"Care (?:Center|Centre|Home)|Institute|University|College|Manor|Senior (?:Living|"
    r"Center|Care)|Surgery Center|Surgical Center|Cancer Center|Heart Center|Dialysis"
    r"(?: Center)?|"
    r"Birth Center|Wellness Center|Urgent Care|Family (?:Practice|Medicine)|"
    r"(?:Orthop[a]?edic|Cardiology|Radiology|Medical|Surgical|Pediatric)s? (?:Associates|"
    r"Group|Partners)|"
    r"Pediatrics|Orthop[a]?edics|Dermatology|Dental|Dentistry|Ob-?/?Gyn|OB/GYN|Eye Care|Imaging|"
    r"Physical Therapy|Chiropractic|Internal Medicine|Primary Care|"
    r"Physicians Group|Laboratories|Pharmacy|(?:Elementary|High|Middle|Primary|Public)"
    r"(?: School)|Academy|School|Shelter|Prison|Correctional (?:Facility|Institution)|VAMC|"
    r"Center|Centre|Care (?:and|&) Rehab|Rehab|"
    r"(?:General|Memorial|Methodist|Baptist|Presbyterian)(?![ ]?[A-Za-z])|"
    r"Pavilion|Public Library|Library|Church)"
)
_FACILITY_WORDS: Final = (
    "hospital|hospitals|infirmary|hospice|clinic|clinics|university|college|institute|academy|school|high|"
    "elementary|middle|primary|public|center|centre|group|partners|associates|building|plaza|campus|health|"
    "healthcare|home|facility|living|community|village|care|manor|dialysis|practice|medicine|laboratories|"
    "pharmacy|shelter|prison|institution|vamc|pavilion|library|church|pediatrics|orthopedics|orthopaedics|"
    "rehab|department|district|specialists|general|memorial|methodist|baptist|presbyterian|dermatology|dental|dentistry|ob|obgyn|gyn|imaging|therapy|chiropractic"
)
FACILITY_WORDS: Final = frozenset(_FACILITY_WORDS.split("|"))
"""One of these stands in the name of every facility."""
FACILITY: Final = re.compile(
    rf"(?<![\w/-])(?P<id>(?P<name>{_NAME}){_GAP}(?<!\w)(?P<kind>{_FACILITY_KIND})(?:[ ](?:of|at)"
    rf"(?: the)?[ ]{TOWN})?)(?![\w-]|[ ][Cc]ourse|[ ][Dd]ay|[ ]?[A-Za-z]{{0,14}}:(?!/))"
)
FACILITY_UPPER: Final = re.compile(
    rf"(?<![\w/-])(?P<id>(?P<name>[{UPPER}][{UPPER}'.-]{{1,40}}"
    rf"(?:[ ][{UPPER}][{UPPER}'.-]{{0,40}}){{0,4}}?)[ ](?P<kind>(?:(?:REGIONAL|MEMORIAL|GENERAL|"
    rf"COMMUNITY|UNIVERSITY|COUNTY)[ ])*"
    r"(?:HOSPITALS?|MEDICAL CENT(?:ER|RE)|HEALTH (?:SYSTEM|CENTER)|CLINIC|NURSING HOME|"
    r"CARE (?:AND|&) REHAB|REHAB|FAMILY (?:PRACTICE|MEDICINE)|SURGERY CENTER|CARE CENTER|PEDIATRICS|"
    r"MEDICAL GROUP|SURGICAL SPECIALISTS|SCHOOL DISTRICT|CANCER INSTITUTE|PHARMACY|"
    r"(?:HIGH|MIDDLE|ELEMENTARY) SCHOOL|COLLEGE|"
    r"INFIRMARY|HOSPICE|UNIVERSITY)))(?![\w-]|[ ]COURSE|[ ]DAY)"
)
_FILLER: Final = r"(?:[A-Z]?XYZ|ABCD?E?|XX{1,9}|[XYZ])"
PLACEHOLDER: Final = re.compile(
    rf"(?<![\w/-])(?P<id>{_FILLER}[ ]{_FACILITY_KIND}|\[(?:Hospital(?: Name)?|HOSPITAL|"
    rf"City|Location|Address|LOCATION)\])(?![\w-])"
)
"""What scrubbed notes hold in the place of facilities."""

_FIRM: Final = rf"[A-Z][{LETTER}{APOSTROPHE[1:-1]}&-]{{0,40}}"
_COMPANY_KIND: Final = (
    "Inc|LLC|Ltd|Corp|Corporation|PLC|Company|Industries|Enterprises|Brothers|Logistics|Foods|Manufacturing|"
    "and Sons|Roofing|Plumbing|Credit Union|Transit|Construction|Trucking|Bakery|Motors|Airlines|Bank|"
    "Restaurant|Farms|Electric"
)
COMPANY_WORDS: Final = frozenset(_COMPANY_KIND.lower().replace(" ", "|").split("|"))
COMPANY: Final = re.compile(
    rf"(?<![\w/-])(?P<id>{_FIRM}(?:(?:,[ ]|{_GAP}|-)(?<!\w)(?:{_FIRM}|and|&)(?=[ ,\n-])){{0,3}}"
    rf"(?:,[ ]|{_GAP})(?<!\w)(?:{_COMPANY_KIND})\b)"
)
_TO_A_PLACE: Final = rf"{_GAP}(?:in|to|from|at|near|outside(?: of)?|of|around){_GAP}(?:the[ ])?"
LIVES: Final = re.compile(
    r"(?<!\w)(?:[Ll]iv(?:es|ed|ing|e)|[Rr]esid(?:es|ed|ing|ent|ents|e)|[Mm]ov(?:ed|ing)|"
    r"[Rr]elocat(?:ed|ing)|[Tt]ravel(?:s|l?ed|l?ing)?|[Tt]rip|"
    r"[Vv]isit(?:ed|ing|s)?|[Ff]lew|[Ff]lying|[Bb]orn|[Rr]aised|[Gg]rew up|[Nn]ative|"
    r"[Vv]acation(?:ed|ing)?|[Rr]eturned|[Hh]ome|[Hh]ouse|"
    r"[Aa]partment|[Cc]amping|[Ss]tay(?:s|ed|ing)?|[Dd]rove|[Oo]riginally|[Cc]oming|"
    r"[Cc]omes|[Cc]ame|[Tt]ransfer(?:red)?|[Ii]mmigrated|"
    r"[Ee]migrated|[Ff]amily|[Rr]elatives|[Pp]ractice|[Hh]ospitali[sz]ed|[Ff]arm|[Cc]hurch)\b"
    r"(?:[ \n](?:alone|here|back|up|down|out|over|away|w(?:ith|/) (?:his|her|their|my|"
    r"a)?[ ]?[a-z]+|independently|recently|currently|home|"
    rf"by ambulance)){{0,2}}{_TO_A_PLACE}(?P<id>{TOWN})"
)
SEEN_IN: Final = re.compile(
    r"(?<!\w)(?:physicians?|doctors?|surgeons?|dentists?|specialists?|providers?|clinics?|hospitals?|facility|"
    r"office|pharmacy|therapist|psychiatrist|neurologist|cardiologist|gynecologist|urologist|pediatrician|"
    rf"oncologist|orthopedist|chiropractor|accident|conference)[ \n](?:in|near|from)[ \n](?P<id>{TOWN})"
)
"""``a gynecologist in Alder``."""
AT_IN: Final = re.compile(
    rf"(?<!\w)(?:at|[Aa]t the|site,)[ \n](?P<id>{_STREET_WORD}(?:[ ]{_STREET_WORD}){{0,2}})"
    rf"[ \n]in[ \n](?P<town>{TOWN})"
)
"""``at Westbrook in Alder``: a place that is called nothing else."""
ADDRESSED: Final = re.compile(
    rf"(?<!\w)(?:[Aa]ddress|ADDRESS|[Rr]esidence|RESIDENCE|City|CITY|Town|Birthplace|"
    rf"County)(?::|[ ]-)[ ]{{1,3}}(?P<id>{TOWN})"
)
_FIRM_NAME: Final = rf"(?P<id>{_FIRM}(?:(?:,[ ]|{_GAP}|-)(?:{_FIRM}|and|of|&)(?=[\s,.;-])){{0,4}})"
WORKS: Final = re.compile(
    r"(?<!\w)(?:(?:[Ww]ork(?:s|ed|ing)?|WORKS|EMPLOYED|[Ee]mployed|[Rr]etired|[Jj]ob|[Ee]mployment|[Pp]osition)\b"
    r"(?:[ ](?:as (?:a|an) [a-z]+(?: [a-z]+)?|full[- ]time|part[- ]time|there|previously|"
    rf"currently|shifts|nights))?{_GAP}(?:at|for|from|by|with){_GAP}|[Ee]mployer(?::|,|[ ]-|[ ]is)[ ])"
    rf"(?:the[ ])?{_FIRM_NAME}"
)
WORKS_IN: Final = re.compile(
    r"(?<!\w)(?:[Ww]ork(?:s|ed|ing)?|WORKS|[Ee]mployed|EMPLOYED|[Rr]etired)[ \n](?:as|AS)[ \n]"
    rf"(?:an?|AN?)[ \n](?:[a-zA-Z]{{1,20}}[ \n-]){{0,3}}[a-zA-Z]{{2,20}}{_GAP}"
    rf"(?:in|near|outside|IN){_GAP}(?P<id>{TOWN})"
)
"""``works as a roofer in Alder``."""
IS_WITH: Final = re.compile(
    r"(?<!\w)(?:[Ii]s|IS|[Ww]as|WAS|[Aa]s|AS)[ ](?:an?|AN?|the|THE)[ ]"
    rf"(?:[a-zA-Z]{{1,20}}[ -]){{0,3}}[a-zA-Z]{{2,20}}{_GAP}(?:with|for|at|by|WITH|FOR|AT|BY)"
    rf"{_GAP}(?:the[ ]|THE[ ])?{_FIRM_NAME}"
)
"""``He is a roofer with``: an employer if it ends as those do."""
WORKS_AT: Final = re.compile(
    r"(?<!\w)(?:[a-z]{1,20}(?:ist|man|er|or|ian|ant|ic|wright|smith)|cook|nurse|clerk|student|guard|chef)"
    rf"{_GAP}\bat\b{_GAP}(?:the[ ])?{_FIRM_NAME}"
)
_SUFFIXED: Final = (
    r"[A-Z][a-z]{2,}(?:ville|burgh|borough|bury|town|chester|mouth|furt|stad|haven|shire|"
    r"berg|fort|land|ton|port|view|side|stown)"
)
SUFFIXED_TOWN: Final = re.compile(
    rf"(?<![\w/'-])(?=[A-Z])(?P<id>(?:(?:North|South|East|West|New|Lake|Port|Fort)[ ])?{_SUFFIXED})"
    rf"(?![\w'\u2019-]){NO_TERM}"
)
"""A word that ends as towns do."""
_ENDINGS: Final = "ille|urgh|ough|bury|town|ster|outh|furt|stad|aven|hire|berg|fort|land|port|view|side"
TOWN_ENDINGS: Final = frozenset(_ENDINGS.split("|")) | {f"{letter}ton" for letter in ascii_lowercase}
"""The last four letters of such words."""
PREFIXED_TOWN: Final = re.compile(
    rf"(?<![\w/-])(?P<id>(?:North|South|East|West|New|Lake|Port|Fort|San|Santa|Mount)[ ]{_NAME_WORD})(?!\w)"
    rf"{NO_TERM}"
)
