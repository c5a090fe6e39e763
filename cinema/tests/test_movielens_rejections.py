from __future__ import annotations

import fcntl
import stat
import warnings
import zipfile
from pathlib import Path
from unittest import mock

from django.test import TestCase

from cinema.importing.movielens import load_movielens
from cinema.importing.sources import ImportRejected
from cinema.models import Genre, Movie, Rating, User
from cinema.tests.movielens_files import (
    CSV_FILES,
    CSV_MOVIES,
    CSV_RATINGS,
    DAT_1M_FILES,
    DAT_10M_FILES,
    FILES_100K,
    MovieLensFiles,
)


class RejectionCase(MovieLensFiles, TestCase):
    def assert_rejected(self, path: Path | str, says: str, source: str | None = None) -> None:
        with self.assertRaisesRegex(ImportRejected, says) as caught:
            load_movielens(path, source=source)
        self.assertNotIn("\n", str(caught.exception))
        for model in (Movie, Genre, User, Rating):
            self.assertFalse(model.objects.exists(), f"{model.__name__} rows were left behind")
        self.assertEqual([path.name for path in self.var.iterdir() if path.name != "importing.lock"], [])


class RejectionTests(RejectionCase):
    def test_it_needs_something_at_the_path(self):
        self.assert_rejected(self.folder / "nowhere", "There is nothing at ")
        self.assert_rejected("no\x00where", "could not be opened|There is nothing")

    def test_it_needs_a_folder_or_a_zip_file(self):
        path = self.folder / "ratings.csv"
        path.write_text(CSV_RATINGS)
        self.assert_rejected(path, "neither a folder nor a zip file")

    def test_it_needs_files_that_it_knows(self):
        self.assert_rejected(self.write_folder({"films.txt": b"Toy Story"}), "no MovieLens files")
        self.assert_rejected(self.write_zip({"films.txt": b"Toy Story"}), "no MovieLens files")
        self.assert_rejected(self.write_zip({"a/b/ratings.csv": b"", "a/b/movies.csv": b""}), "no MovieLens files")

    def test_it_says_which_file_is_missing(self):
        self.assert_rejected(self.write_folder({"ratings.csv": b""}, "a"), "but movies.csv is missing")
        self.assert_rejected(self.write_folder({"movies.dat": b""}, "b"), "but ratings.dat is missing")
        self.assert_rejected(self.write_folder({"u.data": b""}, "c"), "but u.item and u.genre is missing")

    def test_it_does_not_choose_between_two_sets(self):
        self.write_folder(CSV_FILES, "ml-25m")
        self.write_folder(DAT_1M_FILES, "ml-1m")
        self.assert_rejected(self.folder, r"more than one set of ratings in it \(ml-1m/ratings.dat, ml-25m/ratings.csv")

    def test_it_needs_the_header_of_the_format(self):
        for file, content in {
            "ratings.csv": b"user,item,stars,when\n1,1,4.0,964982703\n",
            "movies.csv": b"id,title\n1,Toy Story\n",
        }.items():
            with self.subTest(file):
                self.assert_rejected(self.write_folder(CSV_FILES | {file: content}), f"{file} does not begin with")

    def test_a_file_without_header_must_look_like_its_format(self):
        for files, file in [(DAT_10M_FILES, "movies.dat"), (DAT_10M_FILES, "ratings.dat")] + [
            (FILES_100K, file) for file in FILES_100K
        ]:
            with self.subTest(file):
                folder = self.write_folder(files | {file: b"Dear diary,\ntoday I saw a film.\n"}, file)
                self.assert_rejected(folder, f"{file} does not look like that file of MovieLens")

    def test_an_empty_file_is_no_set(self):
        self.assert_rejected(self.write_folder(CSV_FILES | {"ratings.csv": b""}), "ratings.csv is empty")

    def test_the_name_of_a_source_is_plain(self):
        folder = self.write_folder(CSV_FILES)
        for name in ["", "with space", "a:b", "../x", "x" * 41, "Großes"]:
            with self.subTest(name):
                self.assert_rejected(folder, "A source is named by", source=name)
        self.assert_rejected(folder, "belongs to the demo", source="movielens-demo")

    def test_one_import_runs_at_a_time(self):
        with (self.var / "importing.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assert_rejected(self.write_folder(CSV_FILES), "Another import is running")

    def test_it_needs_room_of_its_own(self):
        path = self.write_folder(CSV_FILES)
        with self.settings(VAR_DIR=path / "ratings.csv" / "var"):
            self.assert_rejected(path, "An import needs to write in .*Not a directory")

    def test_more_films_or_people_than_there_can_be_are_too_many(self):
        folder = self.write_folder(CSV_FILES)
        with mock.patch("cinema.importing.movielens.MAX_FILMS", 3):
            self.assert_rejected(folder, "more than 3 films")
        with mock.patch("cinema.importing.spool.MAX_PEOPLE", 1):
            self.assert_rejected(folder, "more than 1 people")


class ZipRejectionTests(RejectionCase):
    def write_entries(self, entries: list[tuple[zipfile.ZipInfo | str, bytes]]) -> Path:
        path = self.folder / "set.zip"
        with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            warnings.simplefilter("ignore")
            for entry, content in [*CSV_FILES.items(), *entries]:
                archive.writestr(entry, content)
        return path

    def test_no_entry_may_point_outside(self):
        for name in ["../evil.csv", "ml/../../evil.csv", "/etc/evil.csv", "C:/evil.csv", "..\\evil.csv", "evil\n.csv"]:
            with self.subTest(name):
                self.assert_rejected(self.write_entries([(name, b"")]), "unsafe name")

    def test_no_entry_may_be_a_symbolic_link(self):
        link = zipfile.ZipInfo("links.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        self.assert_rejected(self.write_entries([(link, b"/etc/passwd")]), "symbolic link: links.csv")

    def test_no_name_may_come_twice(self):
        self.assert_rejected(self.write_entries([("ratings.csv", b"")]), "two files of the same name: ratings.csv")

    def test_it_holds_no_crowd_of_files(self):
        with mock.patch("cinema.importing.sources.MAX_FILES", 5):
            path = self.write_entries([(f"{number}.csv", b"") for number in range(4)])
            self.assert_rejected(path, "more than 5 files")

    def test_it_is_not_encrypted(self):
        path = self.folder / "set.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in CSV_FILES.items():
                archive.writestr(name, content)
            archive.infolist()[1].flag_bits |= 0x1
        self.assert_rejected(path, "encrypted")

    def test_it_is_packed_in_a_way_known_here(self):
        path = self.folder / "set.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in CSV_FILES.items():
                archive.writestr(name, content)
            archive.infolist()[1].compress_type = 99
        self.assert_rejected(path, "ratings.csv could not be opened")

    def test_what_unpacks_to_a_hundred_times_its_size_is_a_bomb(self):
        bomb = CSV_RATINGS.encode() + b"1,1,4.0,964982703\n" * 100_000
        path = self.write_zip(CSV_FILES | {"ratings.csv": bomb})
        self.assertLess(path.stat().st_size * 100, len(bomb))
        with mock.patch("cinema.importing.sources.RATIO_COUNTS_FROM", 0):
            self.assert_rejected(path, "zip bomb")

    def test_a_promise_of_too_much_is_enough(self):
        with mock.patch("cinema.importing.sources.MAX_BYTES", 100):
            self.assert_rejected(self.write_zip(CSV_FILES), "unpacks to more than|more than 0 GiB")

    def test_a_bomb_that_lies_about_its_size_is_damaged(self):
        path = self.folder / "set.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("movies.csv", CSV_MOVIES)
            archive.writestr("ratings.csv", CSV_RATINGS + "1,1,4.0,964982703\n" * 10_000)
            archive.infolist()[1].file_size = 50
        self.assert_rejected(path, "ratings.csv is damaged")

    def test_a_set_in_which_a_byte_has_flipped_is_damaged(self):
        path = self.folder / "set.zip"
        rows = "".join(f"{person},1,4.0,964982703\n" for person in range(1, 200_000))
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("movies.csv", CSV_MOVIES)
            archive.writestr("ratings.csv", "userId,movieId,rating,timestamp\n" + rows)
        content = path.read_bytes()
        place = content.rindex(b"199999,1,4.0")
        path.write_bytes(content[:place] + b"2" + content[place + 1 :])
        self.assert_rejected(path, "ratings.csv is damaged and could not be read to its end")

    def test_half_a_download_is_no_zip_file(self):
        path = self.write_zip(CSV_FILES)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        self.assert_rejected(path, "neither a folder nor a zip file")

    def test_a_zip_file_without_its_middle_is_damaged(self):
        path = self.write_zip(CSV_FILES)
        content = path.read_bytes()
        path.write_bytes(content[:40] + content[90:])
        self.assert_rejected(path, "damaged|could not be opened")
