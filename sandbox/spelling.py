"""Vietnamese words without their accents, as agencies compare names."""

import unicodedata


def without_accents(text: str) -> str:
    """Take off tone and vowel marks; Đ becomes D."""
    decomposed = unicodedata.normalize("NFD", text.replace("Đ", "D").replace("đ", "d"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def comparable(name: str) -> str:
    """Write a name as the population system compares it: upper case, no accents, no spaces."""
    return "".join(without_accents(name).upper().split())
