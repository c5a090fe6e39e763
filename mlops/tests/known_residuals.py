from __future__ import annotations

import numpy as np

from recommender.algorithms.alternating_least_squares import Residuals


def residuals() -> Residuals:
    """Of factors that explain all but little."""
    rng = np.random.default_rng(3)
    user, item = np.nonzero(rng.random((60, 40)) < 0.5)
    value = np.einsum("nk,nk->n", rng.normal(size=(60, 2))[user], rng.normal(size=(40, 2))[item])
    value += rng.normal(0, 0.1, len(value))
    return Residuals(user.astype(np.int32), item.astype(np.int32), value.astype(np.float32), 60, 40)
