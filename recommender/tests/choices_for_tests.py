"""Choices written out by hand."""

from __future__ import annotations

import numpy as np

from recommender.algorithms.context import KINDS
from recommender.algorithms.context_learning import Choices


def chosen(rows: list[tuple[int, int, int]], n_users: int, n_items: int, kind: int = 0) -> Choices:
    """Of (user, item, cell)."""
    table = np.array(rows)
    cells = np.full((len(table), len(KINDS)), -1, np.int8)
    cells[:, kind] = table[:, 2]
    return Choices(table[:, 0].astype(np.int32), table[:, 1].astype(np.int32), cells, n_users, n_items)
