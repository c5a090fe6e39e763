"""Ratings to Spark and factors back, as Parquet in a folder that both sides see.

By default that is a folder in var, which is enough where Spark runs on this machine. A cluster's executors read and
write it as well: then SPARK_EXCHANGE names a shared folder, or a URL of a store that both Spark and pyarrow know.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from mlops.spark.errors import SparkFailed
from mlops.spark.scratch import is_left_over
from recommender.algorithms.alternating_least_squares import AlternatingLeastSquaresConfig, Factors, Residuals

ROWS_A_FILE = 1_000_000  # so that executors share the reading


class Exchange:
    """One run's folder, ``name`` below ``root``. ``remove`` it afterwards; what a killed run left goes by the next."""

    def __init__(self, root: str, name: str) -> None:
        """``root``: a path, or a URL as file:///mnt/shared or hdfs://host/path. Raises SparkFailed where it cannot be
        written."""
        from pyarrow import fs

        self._name = name
        try:
            if urlsplit(root).scheme:
                self._files, self._root = fs.FileSystem.from_uri(root)
                # pyarrow says s3 where Hadoop says s3a; both mean the same path.
                self._prefix = root.replace("s3://", "s3a://", 1).rstrip("/")
            else:
                self._files, self._root = fs.LocalFileSystem(), str(Path(root).resolve())
                self._prefix = Path(self._root).as_uri()
            self._files.create_dir(self._root, recursive=True)
            for found in self._files.get_file_info(fs.FileSelector(self._root)):
                if is_left_over(found.base_name):
                    self._delete(found.path)
            self._files.create_dir(self._path(""))
        except (OSError, ValueError) as error:
            raise SparkFailed(f"The folder between us and Spark cannot be used: {_words(error)}.") from error
        self._fits = 0

    def url(self, name: str = "") -> str:
        """For Spark."""
        return f"{self._prefix}/{self._name}/{name}".rstrip("/")

    def _path(self, name: str) -> str:
        return f"{self._root}/{self._name}/{name}".rstrip("/")

    def write(self, left: Residuals) -> str:
        """Writes them in files of ROWS_A_FILE, never all of them in one more copy; their name for ``url``."""
        import pyarrow as pa
        from pyarrow import parquet

        self._fits += 1
        name = f"ratings-{self._fits}"
        try:
            self._files.create_dir(self._path(name))
            for start in range(0, len(left.value), ROWS_A_FILE):
                rows = slice(start, start + ROWS_A_FILE)
                columns = {"user": left.user[rows], "item": left.item[rows], "residual": left.value[rows]}
                path = f"{self._path(name)}/part-{start // ROWS_A_FILE:05}.parquet"
                parquet.write_table(pa.table(columns), path, filesystem=self._files)
        except OSError as error:
            raise SparkFailed(f"The ratings could not be written for Spark: {_words(error)}.") from error
        return name

    def read(self, name: str, left: Residuals, n_factors: int) -> Factors:
        """What Spark has written to ``name``. Raises SparkFailed where somebody or some film is missing."""
        try:
            return Factors(
                user=self._rows(f"{name}/users", left.user, left.n_users, n_factors),
                item=self._rows(f"{name}/items", left.item, left.n_items, n_factors),
            )
        except OSError as error:
            raise SparkFailed(
                f"What Spark has written cannot be read here: {_words(error)}. On a cluster, SPARK_EXCHANGE must be "
                "storage that its executors and this machine share."
            ) from error

    def _rows(self, name: str, seen: NDArray[np.int32], n: int, n_factors: int) -> NDArray[np.float32]:
        from pyarrow import parquet

        table = parquet.read_table(self._path(name), filesystem=self._files, columns=["id", "features"])
        ids = table.column("id").to_numpy()
        values = table.column("features").combine_chunks().flatten().to_numpy()
        if len(values) != len(ids) * n_factors or not np.isfinite(values).all():
            raise SparkFailed("What came back from Spark is not as many finite numbers as were asked for.")
        factors = np.zeros((n, n_factors), np.float32)
        factors[ids] = values.reshape(-1, n_factors)
        there = np.zeros(n, np.bool_)
        there[ids] = True
        if not there[seen].all():
            raise SparkFailed(
                "What came back from Spark is incomplete. On a cluster, SPARK_EXCHANGE must be storage that its "
                "executors and this machine share."
            )
        return factors

    def forget(self, *names: str) -> None:
        """Removes what is no longer needed; a failure to do so ends nothing."""
        for name in names:
            self._delete(self._path(name))

    def remove(self) -> None:
        self._delete(self._path(""))

    def _delete(self, path: str) -> None:
        with suppress(OSError):
            self._files.delete_dir(path)


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def blocks(n_ratings: int) -> int:
    """Into how many parts either side is divided: by the ratings alone, whatever the size of the cluster."""
    return int(np.clip(-(-n_ratings // 500_000), 2, 200))


def request(
    exchange: Exchange, ratings: str, factors: str, config: AlternatingLeastSquaresConfig, n_ratings: int
) -> dict[str, object]:
    """What ``driver`` is asked for."""
    return {
        "ratings": exchange.url(ratings),
        "factors": exchange.url(factors),
        "rank": config.n_factors,
        "rounds": config.n_epochs,
        "regularization": config.regularization,
        "blocks": blocks(n_ratings),
        "seed": config.seed,
        "checkpoints": exchange.url("checkpoints"),
    }
