"""Which films to ask a stranger about: known to many, and telling tastes apart.

Films are chosen one by one, each where a rating is worth most given those already chosen: the chance that somebody has
seen the film times the variance of what they would think of it beside others. People's tastes are N(0, I) before they
have rated anything, so the scores' covariance over films is that of the films' characters, and each chosen film takes
away what its rating would tell (uncertainty sampling in a Gaussian process, MacKay 1992, weighed by popularity as in
Rashid et al., Getting to know you, IUI 2002).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recommender.algorithms.film_model import FilmModel

# Beyond these many most rated films, hardly anybody has seen one.
MAX_CANDIDATES = 400


def telling_films(films: FilmModel, eligible: NDArray[np.bool_], n: int) -> NDArray[np.intp]:
    """Rows of up to ``n`` of the ``eligible`` (n_items,) films, the most telling first. Films that nobody has rated
    are left out."""
    counts = np.where(eligible, films.item_counts, 0)
    candidates = np.argsort(-counts, kind="stable")[:MAX_CANDIDATES]
    candidates = candidates[counts[candidates] > 0]
    if not len(candidates):
        return candidates
    characters = films.characters(candidates).astype(np.float64) / np.sqrt(films.n_samples)
    covariance = characters @ characters.T
    noise = float(films.noise.mean())
    seen = counts[candidates] / counts[candidates].max()
    free = np.ones(len(candidates), np.bool_)
    chosen = []
    for _ in range(min(n, len(candidates))):
        value = np.where(free, seen * covariance.diagonal(), -np.inf)
        film = int(np.argmax(value))
        free[film] = False
        chosen.append(film)
        told = covariance[film] / np.sqrt(covariance[film, film] + noise)
        covariance = covariance - np.outer(told, told)
    return candidates[chosen]
