"""What people engaged with in lists, as a training learns of the moment from it."""

from __future__ import annotations

import numpy as np

from mlops.experiment_reading import ENGAGED
from mlops.models import Engagement
from recommender.algorithms.context import DEVICES, PLACES, UNKNOWN, cells_of
from recommender.algorithms.context_fit import Engaged
from recommender.algorithms.context_learning import Choices
from recommender.dataset import Dataset


def engaged_with(dataset: Dataset, utc_offset: int) -> Engaged | None:
    """Until the ratings end; None where there is nothing. What was engaged with outside of lists is not known to have
    been chosen among others, and a rating counts as one already."""
    rows = list(
        Engagement.objects.filter(ENGAGED, served_list__isnull=False, at__lte=dataset.data_until)
        .exclude(kind=Engagement.Kind.RATED)
        .order_by("pk")
        .values_list("user_id", "movie_id", "at", "served_list__device", "served_list__where")
    )
    user_ids = np.array([row[0] for row in rows], np.int64)
    movie_ids = np.array([row[1] for row in rows], np.int64)
    known = np.isin(user_ids, dataset.user_ids) & np.isin(movie_ids, dataset.movie_ids)
    if not known.any():
        return None
    time = np.array([int(row[2].timestamp()) for row in rows], np.int64)
    device = np.array([_code(DEVICES, row[3]) for row in rows], np.int64)
    place = np.array([_code(PLACES, row[4]) for row in rows], np.int64)
    choices = Choices(
        np.searchsorted(dataset.user_ids, user_ids).astype(np.int32),
        np.searchsorted(dataset.movie_ids, movie_ids).astype(np.int32),
        cells_of(time, utc_offset, device=device, place=place),
        len(dataset.user_ids),
        len(dataset.movie_ids),
    )
    return Engaged(choices.take(known), time[known])


def _code(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else UNKNOWN
