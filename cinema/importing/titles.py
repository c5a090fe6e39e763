"""From a catalogue's "Matrix, The (1999)" to what a person would write: "The Matrix", 1999."""

from __future__ import annotations

import re
import unicodedata

# Years a film can be from. Anything else in parentheses belongs to the title.
YEARS = range(1870, 2200)

# Articles as MovieLens moves them behind the comma: always with a capital.
ARTICLES = (
    *("The", "A", "An", "Da"),  # English
    *("Le", "La", "Les", "L'", "L’", "Un", "Une", "Des"),  # French
    *("Der", "Die", "Das", "Ein", "Eine"),  # German
    *("El", "Los", "Las", "Lo", "Una", "Unos", "Unas", "Els"),  # Spanish, Catalan
    *("Il", "I", "Gli", "Uno"),  # Italian
    *("O", "Os", "As", "Um", "Uma"),  # Portuguese
    *("De", "Het", "Een", "Den", "Det", "En", "Ett", "Et"),  # Dutch, Scandinavian
    *("Az", "Egy"),  # Hungarian
)

# An article that ends a title, or a title in the parentheses behind it. No repetition here can match the same text in
# two ways, so a hostile title costs no more than a long one.
_ARTICLE = r", ?(?P<article>" + "|".join(ARTICLES) + ")"
_IN_PARENTHESES = re.compile(r"(?P<start>\((?:a\.k\.a\. )?)(?P<name>[^()]+?)" + _ARTICLE + r"(?=:| ?\(|\))")
_AT_THE_START = re.compile(r"(?P<start>^)(?P<name>(?:[^()]|\([^()]*\))+?)" + _ARTICLE + r"(?=:| ?\(|$)")

# "(1995)", "(2006–2007)", "(2007– )" at the end; 100K adds "(V)" to films that went straight to video.
_YEAR = re.compile(r" ?\( ?(?P<year>[0-9]{4}) ?(?:[-–—] ?(?:[0-9]{4})? ?)?\)(?: \((?:V|TV|VG|TV Movie)\))?$")


def clean_text(text: str) -> str:
    """One line without control characters: a database may refuse NUL, and a page shows none of them."""
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(character) in {"Cc", "Cs"} else character for character in text)
    return " ".join(text.split())


def _article_first(match: re.Match[str]) -> str:
    space = "" if match["article"].endswith(("'", "’")) else " "
    return match["start"] + match["article"] + space + match["name"]


def split_title(text: str, *, untitled: str = "Untitled film") -> tuple[str, int | None]:
    """Title in reading order and the year of release; ``untitled`` where nothing is left to call the film by."""
    title = clean_text(text)
    year = None
    if (match := _YEAR.search(title)) and int(match["year"]) in YEARS:
        year = int(match["year"])
        title = title[: match.start()].rstrip()
    title = _IN_PARENTHESES.sub(_article_first, title)
    return _AT_THE_START.sub(_article_first, title) or untitled, year
