"""Names compared the way a receptionist would: ignoring case, accents, spacing, hyphens and apostrophes."""

import re
import unicodedata

from jobs.mapping.text import clean_text

# Letters with a stroke or a ligature have no accent that could be taken off, yet are typed without it.
_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)
_WORD_BREAK = re.compile(r"[\s\-‐‑‒–—/,.]+")


def name_key(value: str | None) -> str | None:
    """The comparable form of a name, or None when it has no letter or digit.

    Only European accents are taken off. In other scripts a mark is a letter of its own: dropping vowel signs would
    make different people equal.
    """
    if not value:
        return None
    folded = unicodedata.normalize("NFKD", clean_text(value).casefold()).casefold().translate(_PLAIN_LETTERS)
    kept = [character for character in folded if _counts(character)]
    if not any(unicodedata.category(character)[0] in "LN" for character in kept):
        return None
    return unicodedata.normalize("NFC", "".join(kept))


def name_words(*names: str | None) -> list[str]:
    """The distinct comparable words of some names, in order, for a search by any part of a name."""
    words: dict[str, None] = {}
    for name in names:
        text = clean_text(name)
        for part in (*_WORD_BREAK.split(text), text):
            key = name_key(part)
            if key:
                words.setdefault(key)
    return list(words)


def _counts(character: str) -> bool:
    if character.isascii():
        return character.isalnum()
    if _is_accent(character):
        return False
    return unicodedata.category(character)[0] in "LNM"


def _is_accent(character: str) -> bool:
    point = ord(character)
    return (
        0x0300 <= point <= 0x036F
        or 0x1AB0 <= point <= 0x1AFF
        or 0x1DC0 <= point <= 0x1DFF
        or 0x20D0 <= point <= 0x20FF
        or 0xFE00 <= point <= 0xFE0F
        or 0xFE20 <= point <= 0xFE2F
    )
