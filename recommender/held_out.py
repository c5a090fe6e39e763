"""What each version's twin was kept from, remembered person by person, and forgotten with the person."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from cinema.models import User
from recommender.algorithms.common_test import KeptFrom, first_tests
from recommender.algorithms.splits import Split
from recommender.dataset import Dataset
from recommender.models import HeldOut, ModelVersion

# Enough to compare versions by; the others' ratings count once they are newer than a version.
MAX_PEOPLE = 10_000
_ROWS_AT_A_TIME = 5000


def remember(version: ModelVersion, dataset: Dataset, split: Split) -> None:
    """Writes down where the test part of ``split`` begins. Of more than MAX_PEOPLE, always the same people, so that
    versions have them in common."""
    users, times, films = first_tests(split, dataset.movie_ids)
    chosen = _steady_choice(dataset.user_ids[users])
    ids, times, films = (column[chosen].tolist() for column in (dataset.user_ids[users], times, films))
    # Whoever has left since the ratings were read is left out.
    still_here = set(User.objects.filter(pk__in=ids).order_by().values_list("pk", flat=True))
    HeldOut.objects.bulk_create(
        [
            HeldOut(version=version, user_id=user_id, from_time=time, from_movie=film)
            for user_id, time, film in zip(ids, times, films, strict=True)
            if user_id in still_here
        ],
        batch_size=_ROWS_AT_A_TIME,
    )


def kept_from_split(split: Split, dataset: Dataset) -> KeptFrom:
    """The same of a version that is being made: everybody's test part. Whoever has none was trained on wholly."""
    kept = KeptFrom.newer_than(int(dataset.data_until.timestamp()), len(dataset.user_ids))
    users, times, films = first_tests(split, dataset.movie_ids)
    kept.time[users], kept.film[users] = times, films
    return kept


def _steady_choice(user_ids: NDArray[np.int64]) -> NDArray[np.intp]:
    """Positions of the MAX_PEOPLE whose digest is smallest: whoever joins later displaces few of them."""
    if len(user_ids) <= MAX_PEOPLE:
        return np.arange(len(user_ids))
    # Of the same width for everybody, and the same on every machine.
    digests = [hashlib.blake2b(str(user_id).encode(), digest_size=8).digest() for user_id in user_ids.tolist()]
    return np.sort(np.argsort(np.array([int.from_bytes(digest) for digest in digests], np.uint64))[:MAX_PEOPLE])


def kept_from(version: ModelVersion, dataset: Dataset) -> KeptFrom:
    """What ``version``'s twin knows nothing of, for the people of ``dataset``: the remembered test part, and what is
    newer than the version."""
    kept = KeptFrom.newer_than(int(version.data_until.timestamp()), len(dataset.user_ids))
    rows = np.array(list(version.held_out.values_list("user_id", "from_time", "from_movie")), np.int64).reshape(-1, 3)
    places = np.searchsorted(dataset.user_ids, rows[:, 0])
    present = places < len(dataset.user_ids)
    present[present] = dataset.user_ids[places[present]] == rows[present, 0]
    kept.time[places[present]] = rows[present, 1]
    kept.film[places[present]] = rows[present, 2]
    return kept
