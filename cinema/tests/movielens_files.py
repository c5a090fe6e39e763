"""Tiny sets in each of MovieLens' formats, for the tests of the importer."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from django.test import SimpleTestCase, override_settings

CSV_MOVIES = """movieId,title,genres
1,Toy Story (1995),Adventure|Children|Comedy
2,"Matrix, The (1999)",Action|Sci-Fi
3,"City of Lost Children, The (Cité des enfants perdus, La) (1995)",Adventure|Drama
4,Cosmos,(no genres listed)
"""
CSV_RATINGS = """userId,movieId,rating,timestamp
1,1,4.0,964982703
1,2,0.5,964981247
2,2,5.0,1537109082
2,3,3.5,1537109090
"""
CSV_FILES = {"movies.csv": CSV_MOVIES.encode(), "ratings.csv": CSV_RATINGS.encode()}

# 10M is UTF-8, 1M is latin-1.
DAT_MOVIES = "1::Toy Story (1995)::Children's|Comedy\n2::Misérables, Les (1995)::Drama\n"
DAT_RATINGS = b"1::1::5::978300760\n1::2::3::978302109\n6040::2::4::956703932\n"
DAT_10M_FILES = {"movies.dat": DAT_MOVIES.encode(), "ratings.dat": DAT_RATINGS.replace(b"::3::", b"::3.5::")}
DAT_1M_FILES = {
    "movies.dat": DAT_MOVIES.encode("latin-1"),
    "ratings.dat": DAT_RATINGS,
    "users.dat": b"1::F::1::10::48067\n",
}

GENRES_100K = ["unknown", "Action", "Children's", "Comedy", "Drama"]


def item_100k(number: int, title: str, *genres: str) -> str:
    flags = "|".join("1" if genre in genres else "0" for genre in GENRES_100K)
    return f"{number}|{title}|01-Jan-1995||http://us.imdb.com/M/title-exact?{number}|{flags}\n"


FILES_100K = {
    "u.item": (
        item_100k(1, "Toy Story (1995)", "Children's", "Comedy")
        + item_100k(2, "Misérables, Les (1995)", "Drama")
        + item_100k(267, "unknown", "unknown")
    ).encode("latin-1"),
    "u.data": b"196\t2\t3\t881250949\n1\t1\t5\t874965758\n196\t267\t1\t881250950\n",
    "u.genre": "".join(f"{name}|{number}\n" for number, name in enumerate(GENRES_100K)).encode() + b"\n",
}


class MovieLensFiles(SimpleTestCase):
    """Gives each test a folder for its files, and another for what the importer itself keeps."""

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "files"
        self.var = Path(folder.name) / "var"
        self.folder.mkdir()
        self.var.mkdir()
        settings = override_settings(VAR_DIR=self.var)
        settings.enable()
        self.addCleanup(settings.disable)

    def write_folder(self, files: dict[str, bytes], name: str = "ml-test") -> Path:
        folder = self.folder / name
        for file, content in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        return folder

    def write_zip(self, files: dict[str, bytes], name: str = "ml-test.zip") -> Path:
        path = self.folder / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file, content in files.items():
                archive.writestr(file, content)
        return path
