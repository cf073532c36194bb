"""Any reader that Hypothesis can think of: names, addresses and links that letters must survive."""

from __future__ import annotations

import idna
from hypothesis import strategies as st

from tests.letters import samples

WRITTEN = st.characters(exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp"))
_URI_CHARACTERS = st.sampled_from("abcXYZ019-._~:/?#[]@!$&'()*+,;=%")
_ATOM_CHARACTERS = st.sampled_from("abcXYZ019!#$%&'*+-/=?^_`{|}~")
_LETTERS = st.characters(categories=("Ll", "Lo", "Mn", "Nd"), min_codepoint=0x80)
NASTY_NAMES = [
    "",
    "Ada Lovelace",
    "O’Neil, Jr. “Shaq” <shaq@example.com>",
    'Back\\slash "quoted"',
    "\\",
    '"',
    "(a comment) Ada",
    "Ada; Bob, Cy: undisclosed",
    "עדה לאבלייס",
    "آدا لاولیس",
    "\u202eecalevoL adA\u202c \u2066Ada\u2069 \u200f",
    "👩‍🚀🏳️‍🌈 Ада",
    "👨‍👩‍👧‍👦" * 40,
    "Zä̷̡̛l̶͕̄g̵̨͝o",
    "=?utf-8?q?forged?=",
    "Ada =?utf-8?b?QmNjOiB4?= Lovelace",
    ".dot",
    "From here",
    "A & B <b>bold</b> &amp; {{ 7 * 7 }} %s {to}",
    "n" * 300,
    "ü" * 2000,
    "Wort " * 400 + "Ende",
]

names = st.one_of(
    st.text(WRITTEN, max_size=200),
    st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")), max_size=120),
    # Two kinds of script in one name, and marks that turn its direction.
    st.text(st.sampled_from('Ada עדה ادا 愛 👩‍🚀\u200f\u200e\u202e\u2067\u2069,"\\'), max_size=80),
    st.sampled_from(NASTY_NAMES),
)
_local_parts = st.one_of(
    st.text(_ATOM_CHARACTERS, min_size=1, max_size=64),
    st.lists(st.text(_LETTERS, min_size=1, max_size=12), min_size=1, max_size=3).map(".".join),
    st.sampled_from(["ada.lovelace", "δοκιμή", "ада", "用户", "jörg.müller", "o'neil&sons"]),
)
# As `audience` keeps them: in A-labels, whatever was typed.
_domains = st.one_of(
    st.sampled_from(
        [
            *("bücher.example", "mail.כתובתלבדיקה.example", "例え.テスト", "пример.испытание"),
            *("example.org", "xn--bcher-kva.example", f"{'a' * 63}.{'b' * 63}.example.org"),
        ]
    ).map(lambda domain: idna.encode(domain, uts46=True).decode("ascii"))
)
addresses = st.builds("{}@{}".format, _local_parts, _domains)
paths = st.one_of(
    st.text(_URI_CHARACTERS, max_size=300),
    st.text(_URI_CHARACTERS, min_size=800, max_size=860),
)
readers = st.builds(
    samples.reader,
    name=names,
    address=addresses,
    reason=st.text(WRITTEN, max_size=300).filter(str.strip).map("Because {}".format),
    manage_url=paths.map("https://briefs.example.org/{}".format),
    unsubscribe_url=paths.map("https://briefs.example.org/u/{}".format),
    unsubscribe_mailto=paths.map("mailto:leave@example.org?{}".format),
)
