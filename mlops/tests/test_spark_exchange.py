"""Parquet between us and Spark; pyarrow writes it, so pyarrow has to be there."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from unittest import mock, skipUnless

import numpy as np
from django.test import SimpleTestCase

from mlops.spark import exchange
from mlops.spark.errors import SparkFailed
from mlops.spark.exchange import Exchange, blocks
from recommender.algorithms.alternating_least_squares import Residuals

N_FACTORS = 3


def residuals() -> Residuals:
    user, item = np.nonzero(np.ones((4, 5), np.bool_))
    value = (np.arange(20) / 10).astype(np.float32)
    return Residuals(user.astype(np.int32), item.astype(np.int32), value, n_users=6, n_items=5)


@skipUnless(find_spec("pyarrow"), "pyarrow is not installed: pip install -r requirements-spark.txt")
class ExchangeTestCase(SimpleTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve() / "shared"
        self.exchange = Exchange(str(self.root), "run")

    def spark_writes(self, side: str, ids: list[int], *, bad: float | None = None, n_factors: int = N_FACTORS) -> None:
        """As Spark does: some files, and marks beside them."""
        import pyarrow as pa
        from pyarrow import parquet

        folder = self.root / "run" / "factors" / side
        folder.mkdir(parents=True)
        for part, some in enumerate((ids[:2], ids[2:])):
            features = [[one + bad if bad is not None else float(one)] * n_factors for one in some]
            table = pa.table({"id": pa.array(some, pa.int32()), "features": pa.array(features, pa.list_(pa.float32()))})
            parquet.write_table(table, folder / f"part-{part:05}.parquet")
            (folder / f".part-{part:05}.parquet.crc").write_bytes(b"crc")
        (folder / "_SUCCESS").touch()

    def test_spark_finds_all_ratings_in_files_of_equal_size(self) -> None:
        from pyarrow import parquet

        left = residuals()
        with mock.patch.object(exchange, "ROWS_A_FILE", 8):
            name = self.exchange.write(left)
        folder = Path(self.exchange.url(name).removeprefix("file://"))
        self.assertEqual(len(list(folder.iterdir())), 3)
        table = parquet.read_table(folder)
        self.assertEqual([str(one.type) for one in table.schema], ["int32", "int32", "float"])
        for column, values in (("user", left.user), ("item", left.item), ("residual", left.value)):
            np.testing.assert_array_equal(table.column(column).to_numpy(), values)

    def test_factors_come_back_to_their_rows(self) -> None:
        self.spark_writes("users", [3, 1, 0, 2])
        self.spark_writes("items", [0, 4, 2, 1, 3])
        found = self.exchange.read("factors", residuals(), N_FACTORS)
        self.assertEqual((found.user.dtype, found.item.shape), (np.float32, (5, N_FACTORS)))
        np.testing.assert_array_equal(found.user[:, 0], [0, 1, 2, 3, 0, 0])
        np.testing.assert_array_equal(found.item[:, 2], np.arange(5))

    def test_what_is_missing_or_no_number_is_refused(self) -> None:
        everybody, films = [0, 1, 2, 3], [0, 1, 2, 3, 4]
        for words, written in (
            ("incomplete", {"users": (everybody[1:], {}), "items": (films, {})}),
            ("finite", {"users": (everybody, {"bad": float("nan")}), "items": (films, {})}),
            ("as many", {"users": (everybody, {"n_factors": 2}), "items": (films, {})}),
            ("SPARK_EXCHANGE must be storage", {"users": (everybody, {})}),
        ):
            with self.subTest(words):
                for side, (ids, options) in written.items():
                    self.spark_writes(side, ids, **options)
                with self.assertRaisesMessage(SparkFailed, words):
                    self.exchange.read("factors", residuals(), N_FACTORS)
                self.exchange.forget("factors")

    def test_a_url_names_the_same_folder(self) -> None:
        there = Exchange(self.root.as_uri(), "run")
        self.assertEqual(there.url("x"), self.exchange.url("x"))
        there.remove()
        self.assertEqual(list(self.root.iterdir()), [])
        self.exchange.remove()  # once more is no error

    def test_what_cannot_be_written_is_told(self) -> None:
        (self.root / "file").touch()
        for root in (str(self.root / "file"), "nonsense://host/path"):
            with self.subTest(root), self.assertRaisesMessage(SparkFailed, "cannot be used"):
                Exchange(root, "run")

    def test_more_ratings_are_divided_into_more_parts(self) -> None:
        self.assertEqual([blocks(n) for n in (50, 1_000_000, 10_000_000, 10**9)], [2, 2, 20, 200])
