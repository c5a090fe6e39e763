"""Which films of the catalogue the titles and years of somebody's file mean."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cinema.importing.titles import ARTICLES, split_title

# Letters that are one letter elsewhere and two, or another, without their stroke.
_LETTERS = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_LEADING_ARTICLE = re.compile(
    r"^(?:(?:" + "|".join(sorted(article.casefold() for article in ARTICLES if article[-1].isalpha())) + r") |l['’] ?)"
)
_BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_ALIAS = re.compile(r"^a\.?k\.?a\.? ", re.IGNORECASE)


class Found(StrEnum):
    MATCHED = "matched"  # title and year are equal
    PROBABLE = "probable"  # the title is; the year is one off, or unknown
    AMBIGUOUS = "ambiguous"  # several films fit equally
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Match:
    found: Found
    movie_ids: tuple[int, ...]  # ascending


MISSING = Match(Found.MISSING, ())


def plain(title: str) -> str:
    """Without case, accents and punctuation, in single spaces; the title itself where nothing would be left."""
    text = unicodedata.normalize("NFKD", title).casefold().translate(_LETTERS)
    text = "".join(character for character in text if not unicodedata.combining(character))
    text = re.sub(r"['’`´]", "", text.replace("&", " and "))
    return " ".join(re.sub(r"[\W_]+", " ", text).split()) or title.strip().casefold()


def _without_article(title: str) -> str:
    return plain(_LEADING_ARTICLE.sub("", title.casefold()) or title)


@dataclass(frozen=True, slots=True)
class _Names:
    exact: str  # the whole title, article first
    main: frozenset[str]  # without leading article, with and without what stands in brackets
    others: frozenset[str]  # what stands in brackets, without leading article


def _names(title: str) -> _Names:
    ordered, _ = split_title(title)
    bare = _BRACKETS.sub(" ", ordered).strip()
    inside = (first or second for first, second in _BRACKETS.findall(ordered))
    others = {_without_article(_ALIAS.sub("", text.strip())) for text in inside if text.strip()}
    return _Names(
        exact=plain(ordered),
        main=frozenset(_without_article(text) for text in (ordered, bare) if text),
        others=frozenset(others),
    )


class TitleIndex:
    """The catalogue by names. ``films`` are (id, title, year)."""

    def __init__(self, films: Iterable[tuple[int, str, int | None]]) -> None:
        self._years: dict[int, int | None] = {}
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._main: dict[str, list[int]] = defaultdict(list)
        self._others: dict[str, list[int]] = defaultdict(list)
        for movie_id, title, year in films:
            names = _names(title)
            self._years[movie_id] = year
            self._exact[names.exact].append(movie_id)
            for name in names.main:
                self._main[name].append(movie_id)
            for name in names.others:
                self._others[name].append(movie_id)

    def find(self, titles: Sequence[str], year: int | None) -> Match:
        """The film of any of ``titles``, tried in their order: a title in the same words before one without its article
        or by its name in brackets, the same year before the next one."""
        named = [self._named(title) for title in titles]
        closest = [ids for exact, loose in named for ids in (exact, loose)]
        for found, fits in (
            (Found.MATCHED, lambda of: year is not None and of == year),
            (Found.PROBABLE, lambda of: year is not None and of is not None and abs(of - year) == 1),
            (Found.PROBABLE, lambda of: year is None or of is None),
        ):
            for ids in closest:
                fitting = tuple(sorted(movie_id for movie_id in ids if fits(self._years[movie_id])))
                if fitting:
                    return Match(found if len(fitting) == 1 else Found.AMBIGUOUS, fitting)
        return MISSING

    def _named(self, title: str) -> tuple[set[int], set[int]]:
        names = _names(title)
        exact = set(self._exact.get(names.exact, ()))
        # A name in brackets finds a film's own name alone: "(Part 1)" stands in many brackets.
        loose = {movie_id for name in names.main for by in (self._main, self._others) for movie_id in by.get(name, ())}
        loose.update(movie_id for name in names.others for movie_id in self._main.get(name, ()))
        return exact, exact | loose
