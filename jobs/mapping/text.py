"""Free text as HubSpot can store it in a single-line property."""

import unicodedata

MAX_TEXT = 65_536  # HubSpot's limit for a string property

# Embedding and override marks can make a name read as another one; the plain direction marks stay.
_DROPPED = frozenset("\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean_text(value: object, limit: int = MAX_TEXT) -> str:
    """Trimmed text without control characters, at most `limit` characters; None and invisible-only text are ""."""
    if value is None:
        return ""
    text = str(value)
    if not text.isprintable():
        text = "".join(map(_printable, text))
    text = text.strip()
    if len(text) > limit:
        text = text[:limit].rstrip()
    if text.isascii() or any(_visible(character) for character in text):
        return text
    return ""


def is_blank(value: object) -> bool:
    return clean_text(value) == ""


def _printable(character: str) -> str:
    if character in _DROPPED:
        return ""
    category = unicodedata.category(character)
    # A lone surrogate cannot be sent as UTF-8 at all.
    if category == "Cs":
        return ""
    if category in ("Zl", "Zp") or (category == "Cc" and character.isspace()):
        return " "
    return "" if category == "Cc" else character


def _visible(character: str) -> bool:
    return not character.isspace() and unicodedata.category(character) != "Cf"
