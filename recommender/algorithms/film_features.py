"""What is known of films besides their ratings, as numbers for the priors: their genres and the time they are from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Years of a film beyond which a new age begins. MovieLens has few films of the early decades.
AGES = (1940, 1950, 1960, 1970, 1980, 1985, 1990, 1993, 1995, 1997, 2000, 2003, 2006, 2010, 2015, 2020)
_MIDDLE_YEAR, _DECADE = 1990.0, 10.0


def n_film_features(n_genres: int) -> int:
    """Columns of a film with genres and a year."""
    return n_genres + len(AGES) + 2


@dataclass(frozen=True, eq=False)
class SideInformation:
    """``genres``: (n_items, n_genres) 0 or 1. ``years``: (n_items,) 0 where unknown. Either may be None: not used."""

    genres: NDArray[np.uint8] | None = None
    years: NDArray[np.int64] | None = None

    def columns(self, n_items: int) -> Array:
        """Features of films, (n_items, n_features); a film of unknown year has zeros for it."""
        parts = [np.empty((n_items, 0))]
        if self.genres is not None:
            parts.append(self.genres.astype(np.float64))
        if self.years is not None:
            known = self.years > 0
            age = np.zeros((n_items, len(AGES) + 1))
            age[np.flatnonzero(known), np.searchsorted(AGES, self.years[known], side="right")] = 1.0
            parts += [age, np.where(known, (self.years - _MIDDLE_YEAR) / _DECADE, 0.0)[:, None]]
        return np.hstack(parts)
