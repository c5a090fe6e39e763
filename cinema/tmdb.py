"""Real posters and summaries from The Movie Database, for whoever has a key (TMDB_API_KEY). Never in a request.

A background job asks for a few films at a time, the most rated first, and keeps what it got: the picture as a file
under var/, its digest and the summary in the database. Where title and year do not agree nothing is taken: no poster is
better than another film's. Without a key nothing here does anything, and no page asks for anything elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import unicodedata
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from cinema.models import Movie, MovieArt

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10
FILMS_AT_A_TIME = 40
# A film that was not found is asked for again after so long.
ASK_AGAIN = timedelta(days=90)
MAX_BYTES = 2 * 1024**2
SECONDS_UNTIL_STALE = 60
_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"


class Unavailable(Exception):
    """The Movie Database did not answer as it should; the job goes on another time."""


def fetch_art(n: int = FILMS_AT_A_TIME) -> int:
    """Asks for up to ``n`` films; how many were found. Raises Unavailable."""
    if not settings.TMDB_API_KEY:
        return 0
    asked = Q(art__isnull=True) | Q(art__digest="", art__asked_at__lt=timezone.now() - ASK_AGAIN)
    found = 0
    for movie in Movie.objects.most_rated_first().filter(asked)[:n]:
        found += _fetch(movie)
    cache.delete(_key())
    return found


def _fetch(movie: Movie) -> bool:
    match = _match(movie, _search(movie))
    art = {"asked_at": timezone.now(), "tmdb_id": None, "digest": "", "overview": ""}
    if match is not None:
        art |= {"tmdb_id": match["id"], "overview": str(match.get("overview") or "")[:4000]}
        path = match.get("poster_path")
        if isinstance(path, str) and re.fullmatch(r"/[\w.-]+", path):
            art["digest"] = _keep(_get(f"{settings.TMDB_IMAGES}{path}"))
    MovieArt.objects.update_or_create(movie=movie, defaults=art)
    return match is not None


def _search(movie: Movie) -> list[dict[str, Any]]:
    query = {"api_key": settings.TMDB_API_KEY, "query": _main_title(movie.title)[:200], "include_adult": "false"}
    if movie.year:
        query["year"] = str(movie.year)
    try:
        results = json.loads(_get(f"{settings.TMDB_API}/search/movie?{urlencode(query)}"))["results"]
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable("an answer that is none") from error
    return [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []


def _match(movie: Movie, results: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The first of the same title whose year is at most one off."""
    wanted = _folded(_main_title(movie.title))
    for one in results:
        year = str(one.get("release_date") or "")[:4]
        near = not movie.year or (year.isdecimal() and abs(int(year) - movie.year) <= 1)
        titles = {_folded(str(one.get(name) or "")) for name in ("title", "original_title")}
        if near and wanted and wanted in titles and isinstance(one.get("id"), int):
            return one
    return None


def _main_title(title: str) -> str:
    """Without what stands in brackets: other names, as in "Seven (a.k.a. Se7en)"."""
    return re.sub(r"\s*\([^)]*\)", "", title).strip() or title


def _folded(title: str) -> str:
    """Letters and digits alone, without accents and case."""
    plain = unicodedata.normalize("NFKD", title.casefold())
    return "".join(letter for letter in plain if letter.isalnum())


def _get(url: str) -> bytes:
    """What stands there, up to MAX_BYTES. The key never gets into the log."""
    try:
        request = Request(url, headers={"Accept-Encoding": "identity"})
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # https, from the settings  # nosec B310
            body: bytes = response.read(MAX_BYTES + 1)
    except (URLError, OSError, ValueError) as error:
        raise Unavailable(type(error).__name__) from error
    if len(body) > MAX_BYTES:
        raise Unavailable("an answer that is too large")
    return body


def _keep(picture: bytes) -> str:
    """Writes the picture under its digest; empty for what is no picture."""
    if not picture.startswith((_JPEG, _PNG)):
        return ""
    digest = hashlib.sha256(picture).hexdigest()[:32]
    path = art_path(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_bytes(picture)
    beside.replace(path)
    return digest


def art_path(digest: str) -> Path:
    return Path(settings.SHARED_DIR) / "art" / digest


def content_type(picture: bytes) -> str:
    return "image/png" if picture.startswith(_PNG) else "image/jpeg"


def art_digests() -> dict[int, str]:
    """Digests of the real posters by film id, as of a minute ago at most; nothing is asked without a key."""
    if not settings.TMDB_API_KEY:
        return {}
    digests: list[list[Any]] | None = cache.get(_key())  # pairs, for JSON has no numbers as keys
    if digests is None:
        digests = [list(one) for one in MovieArt.objects.exclude(digest="").values_list("movie_id", "digest")]
        cache.set(_key(), digests, SECONDS_UNTIL_STALE)
    return dict(digests)


def _key() -> str:
    return f"art:{connection.settings_dict['NAME']}"
