from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from unittest import mock

from django.test import SimpleTestCase

from recommender.benchmarks import datasets
from recommender.benchmarks.datasets import DataSet, DataSetUnavailable, Film, assemble

TOY_STORY = "1|Toy Story (1995)|01-Jan-1995||http://example.org|0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0"
UNKNOWN = "267|unknown||||1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0"


class DataSetsTestCase(SimpleTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / name.replace("__", ".")).write_text(text, encoding="latin-1")

    def package(self, header: str = "user_id:token\titem_id:token\trating:float\ttimestamp:float") -> Path:
        path = self.folder / datasets.PACKAGE_FILE
        films = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(datasets._IN_PACKAGE + ".inter", f"{header}\n7\t1\t4\t881250949\n3\t267\t2\t881250950\n")
            archive.writestr(
                datasets._IN_PACKAGE + ".item",
                films + "1\tToy Story\t1995\tAnimation Children's\n267\tunknown\t\tunknown\n",
            )
        return path

    def assert_toy_story(self, dataset: DataSet, genres: set[str]) -> None:
        column = dataset.movie_ids.tolist().index(1)
        self.assertEqual(dataset.years[column], 1995)
        flags = dataset.genres.membership[column]
        self.assertEqual({name for name, flag in zip(dataset.genres.names, flags, strict=True) if flag}, genres)

    def test_it_numbers_people_and_films_in_the_order_of_their_ids(self) -> None:
        dataset = assemble("x", [(9, 30, 4.0, 5), (2, 10, 3.5, 6)], [Film(20, 1999, ("Drama",))])
        self.assertEqual(dataset.movie_ids.tolist(), [10, 20, 30])
        data = dataset.interactions
        self.assertEqual(list(zip(data.user.tolist(), data.item.tolist(), strict=True)), [(0, 0), (1, 2)])
        self.assertEqual(data.value.tolist(), [3.5, 4.0])
        self.assertEqual(dataset.years.tolist(), [0, 1999, 0])

    def test_it_refuses_two_ratings_of_a_film_and_none_at_all(self) -> None:
        with self.assertRaisesRegex(DataSetUnavailable, "two ratings"):
            assemble("x", [(1, 1, 4.0, 5), (1, 1, 3.0, 6)], [])
        with self.assertRaisesRegex(DataSetUnavailable, "no ratings"):
            assemble("x", [], [])

    def test_its_fingerprint_tells_other_data(self) -> None:
        films = [Film(1, 1999, ("Drama",))]
        one, same = (assemble("x", [(1, 1, 4.0, 5)], films) for _ in range(2))
        self.assertEqual(one.fingerprint, same.fingerprint)
        self.assertNotEqual(one.fingerprint, assemble("x", [(1, 1, 4.5, 5)], films).fingerprint)
        self.assertNotEqual(one.fingerprint, assemble("x", [(1, 1, 4.0, 5)], [Film(1, 2000, ("Drama",))]).fingerprint)

    def test_it_reads_100k_from_its_folder(self) -> None:
        self.write(u__data="7\t1\t4\t881250949\n3\t267\t2\t881250950\n", u__item=f"{TOY_STORY}\n{UNKNOWN}\n")
        dataset = datasets.read("ml-100k", self.folder, downloads=self.folder)
        self.assert_toy_story(dataset, {"Animation", "Children's", "Comedy"})
        self.assertEqual(dataset.interactions.time.tolist(), [881250950, 881250949])
        self.assertEqual(dataset.years.tolist(), [1995, 0])

    def test_it_reads_100k_out_of_the_package(self) -> None:
        dataset = datasets.read_ml_100k_package(self.package())
        self.assert_toy_story(dataset, {"Animation", "Children's"})
        self.assertNotIn("unknown", dataset.genres.names)
        self.assertEqual(dataset.interactions.value.tolist(), [2.0, 4.0])

    def test_it_refuses_a_package_with_other_columns(self) -> None:
        package = self.package("item_id:token\tuser_id:token\trating:float\ttimestamp:float")
        with self.assertRaisesRegex(DataSetUnavailable, "other columns"):
            datasets.read_ml_100k_package(package)

    def test_it_refuses_a_package_with_other_bytes(self) -> None:
        self.package()
        with self.assertRaisesRegex(DataSetUnavailable, "not the file"):
            datasets.read("ml-100k", None, downloads=self.folder)

    def test_it_says_that_the_package_could_not_be_had(self) -> None:
        failed = mock.Mock(returncode=1, stdout="trying\nno network here\n")
        with (
            mock.patch.object(datasets.subprocess, "run", return_value=failed) as run,
            self.assertRaisesRegex(DataSetUnavailable, "no network here"),
        ):
            datasets.read("ml-100k", None, downloads=self.folder / "new")
        self.assertIn("--require-hashes", run.call_args.args[0])

    def test_it_reads_1m(self) -> None:
        self.write(
            ratings__dat="7::1::4::978300760\n3::2::2::978300761\n",
            movies__dat="1::Toy Story (1995)::Animation|Comedy\n2::Café (1996)::Drama\n",
        )
        dataset = datasets.read("ml-1m", self.folder, downloads=self.folder)
        self.assert_toy_story(dataset, {"Animation", "Comedy"})
        self.assertEqual(len(dataset.interactions), 2)

    def test_it_reads_latest_small(self) -> None:
        self.write(
            ratings__csv="userId,movieId,rating,timestamp\n7,1,4.5,978300760\n",
            movies__csv='movieId,title,genres\n1,"Toy, Story (1995)",Animation|Comedy\n2,Two,(no genres listed)\n',
        )
        dataset = datasets.read("latest-small", self.folder, downloads=self.folder)
        self.assert_toy_story(dataset, {"Animation", "Comedy"})
        self.assertEqual(dataset.movie_ids.tolist(), [1, 2])

    def test_it_reads_what_the_demo_reader_writes(self) -> None:
        dataset = datasets.parse_demo(
            "movieId,title,year,genres,userId,rating,timestamp\n"
            "1,Toy Story,1995,Animation|Comedy,7,4.5,978300760\n2,Untitled,,(no genres listed),7,3.0,978300761\n"
        )
        self.assert_toy_story(dataset, {"Animation", "Comedy"})
        self.assertEqual(dataset.years.tolist(), [1995, 0])

    def test_it_names_the_data_set_that_is_not_there(self) -> None:
        for name, folder in (("ml-1m", None), ("ml-1m", self.folder), ("ml-100k", self.folder), ("latest-small", None)):
            with self.subTest(name=name, folder=folder), self.assertRaisesRegex(DataSetUnavailable, name):
                datasets.read(name, folder, downloads=self.folder)
