"""Names of people and companies, ordinary and hostile."""


def _words(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


FIRST_NAMES = _words(
    "Olivia Charlotte Amelia Isla Mia Ava Grace Willow Harper Chloe Ella Sophie Ruby Evie Lily Zara Emily Hannah Lucy "
    "Matilda Georgia Alice Violet Ivy Freya Maya Layla Aria Eleanor Daisy Margaret Helen Susan Karen Joan Dorothy "
    "Noah Oliver Leo William Henry Theodore Jack Charlie Luca Thomas Hudson Lucas George Archie Elijah James Liam "
    "Max Ethan Harry Samuel Isaac Patrick Daniel Finn Hugo Arthur Oscar Peter John Robert David Michael Ian Graham "
    "Raj Wei Priya Mei Hiroshi Fatima Omar Tane Aroha Mere"
)
LAST_NAMES = _words(
    "Smith Jones Williams Brown Wilson Taylor Johnson White Martin Anderson Thompson Nguyen Thomas Walker Harris Lee "
    "Ryan Robinson Kelly King Davis Wright Evans Roberts Green Hall Wood Jackson Clarke Patel Khan Lewis Young Chen "
    "Mitchell Scott Hill Adams Baker Campbell Carter Collins Cook Cooper Edwards Morris Murphy Parker Phillips Reid "
    "Rogers Shaw Simpson Stewart Turner Ward Watson Bennett Hughes Gray Fraser Wang Singh Kaur Tran Russo Rossi "
    "Papadopoulos Kowalski Schmidt Garcia Fernandez Silva Cohen Ali Ngata Parata Tuhiwai Henare"
)

# The first nine cover every class that has broken software before; the rest are variations.
HOSTILE_NAMES: tuple[tuple[str, str], ...] = (
    ("José María", "Núñez Gárate"),
    ("محمد", "الأحمد"),
    ("小明", "王"),
    ("Siobhán", "O'Brien"),
    ("Chloe 🌻", "Hart"),
    ("<b>Bob</b>", "<script>alert(1)</script>"),
    ('=HYPERLINK("http://x.example","x")', "Smith"),
    ("\u200fدانيال\u200f", "Ana\u202eRuiz"),
    ("A" * 255, "B" * 255),
    ("Jo\u200bhn", "Sm\u00adith"),
    ("N\u0303andu", "Garci\u0301a"),
    ("太郎", "山田"),
    ("Ольга", "Иванова"),
    ("Ελένη", "Παπαδοπούλου"),
    ("שרה", "כהן"),
    ("अनन्या", "शर्मा"),
    ("สมชาย", "ใจดี"),
    ("Thị Ánh", "Nguyễn"),
    ("İsmail", "Işık"),
    ("Søren", "Ångström-Weiß"),
    ("Łukasz", "Żółć"),
    ("👩‍👧", "🏳️‍🌈"),
    ("+1+cmd|' /C calc'!A0", "@SUM(1+1)"),
    ("-2+3", "\tTabbed"),
    ("Robert'); DROP TABLE patients;--", "Tables"),
    ("{{ 7*7 }}", "${7*7}"),
    ("%s%n", "{0}"),
    ("&amp;", "&lt;Entity&gt;"),
    ("D’Arcy", "D‘Souza"),
    ("Anne - Marie", "Mc Donald–Smith"),
    ("  Lee  ", " Chan "),
    ("Null", "None"),
    ("Line\nBreak", 'Back\\slash "Quoted"'),
    ("X", "Æ"),
    (".", "-"),
    ("Mary (mum of Tom)", "van der Berg, Jr."),
    ("../../etc", "passwd"),
    ("Z̸a̷l̵g̶o̸", "T̴e̵x̶t̷"),
)

PREFERRED = {
    "Olivia": "Liv",
    "Charlotte": "Charlie",
    "Amelia": "Millie",
    "Matilda": "Tilly",
    "Margaret": "Peggy",
    "Susan": "Sue",
    "Dorothy": "Dot",
    "William": "Bill",
    "Theodore": "Ted",
    "Thomas": "Tom",
    "Robert": "Bob",
    "Michael": "Mick",
    "Samuel": "Sam",
    "Daniel": "Dan",
    "Patrick": "Paddy",
    "Henry": "Harry",
    "James": "Jim",
}
COMPANIES = (
    "Harbour Health Insurance",
    "WorkSafe Claims",
    "Southern Transport Accident Cover",
    "Müller & Söhne GmbH",
    "Veterans' Care Fund",
    "+Plus Health",
    "National Disability Plans <Payments>",
    'Acme "Bone & Joint" Pty Ltd',
)
PRACTICES = ("Bay Street Medical", "Hillside Family Practice", "Orthopaedics on Collins", "St Kilda Sports Medicine")
TITLES = ("Mr", "Mrs", "Ms", "Miss", "Mx", "Dr", "Prof")
OCCUPATIONS = ("Teacher", "Nurse", "Carpenter", "Retired", "Student", "Software Developer", "Farmer", "Chef & baker")


def local_part(first: str, last: str, number: int) -> str:
    """The part of an address before the @: the names where they are plain letters, and a number of its own."""
    words = [word.lower() for word in (first, last) if word.isascii() and word.replace("'", "").isalpha()]
    return ".".join([*words[:2], str(number)]) if words else f"p{number}"
