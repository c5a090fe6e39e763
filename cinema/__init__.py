"""CINÉMA: films, people, ratings, and the site around them."""

from __future__ import annotations

import os

__version__ = "0.1.0"

# One thread for the linear algebra of each process, set before numpy is there to read it. Our matrices are small, and
# the trainer shares out its rows among threads of its own: on a busy machine with two cores, threads of OpenBLAS that
# wait for each other made a training four times as long (174 s against 41 s).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
