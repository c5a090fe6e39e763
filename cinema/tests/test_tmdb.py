from __future__ import annotations

import json
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.core.cache import cache
from django.test import TestCase, override_settings
from django.utils import timezone

from cinema.cards import card
from cinema.models import Movie, MovieArt
from cinema.tmdb import Unavailable, art_path, fetch_art

JPEG = b"\xff\xd8\xff\xe0" + b"picture" * 20


class FakeTmdb:
    """The Movie Database as far as we ask it, on a port of this machine."""

    def __init__(self) -> None:
        self.results: dict[str, list[dict[str, Any]]] = {}
        self.pictures: dict[str, bytes] = {}
        self.asked: list[dict[str, list[str]]] = []
        self.broken: bytes | None = None
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/3/search/movie":
                    query = parse_qs(parts.query)
                    fake.asked.append(query)
                    body = json.dumps({"results": fake.results.get(query["query"][0], [])}).encode()
                    body = body if fake.broken is None else fake.broken
                else:
                    body = fake.pictures.get(parts.path, b"")
                self.send_response(200 if body else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


class TmdbTestCase(TestCase):
    @contextmanager
    def tmdb(self) -> Iterator[FakeTmdb]:
        fake = FakeTmdb()
        thread = threading.Thread(target=fake.server.serve_forever, daemon=True)
        thread.start()
        folder = Path(tempfile.mkdtemp())
        try:
            with override_settings(
                TMDB_API_KEY="a-key",
                TMDB_API=f"{fake.url}/3",
                TMDB_IMAGES=f"{fake.url}/t",
                VAR_DIR=folder,
                SHARED_DIR=folder,
            ):
                yield fake
        finally:
            fake.server.shutdown()
            fake.server.server_close()
            thread.join()
            shutil.rmtree(folder)
            cache.clear()

    def alien(self) -> dict[str, Any]:
        return {
            "id": 348,
            "title": "Alien",
            "release_date": "1979-05-25",
            "poster_path": "/alien.jpg",
            "overview": "In space <nobody> hears you.",
        }

    def test_it_keeps_the_poster_and_the_summary(self) -> None:
        movie = Movie.objects.create(title="Alien", year=1979)
        with self.tmdb() as tmdb:
            tmdb.results["Alien"], tmdb.pictures["/t/alien.jpg"] = [self.alien()], JPEG
            self.assertEqual(fetch_art(), 1)
            art = MovieArt.objects.get(movie=movie)
            self.assertEqual((art.tmdb_id, art.overview), (348, "In space <nobody> hears you."))
            self.assertEqual(art_path(art.digest).read_bytes(), JPEG)
            self.assertContains(self.client.get(movie.get_absolute_url()), "In space &lt;nobody&gt; hears you.")
            response = self.client.get(card(movie).poster_url)
            self.assertEqual((response.content, response["Content-Type"]), (JPEG, "image/jpeg"))
            self.assertIn("immutable", response["Cache-Control"])
            self.assertEqual(fetch_art(), 0)
            self.assertEqual(len(tmdb.asked), 1)

    def test_it_takes_no_other_films_poster(self) -> None:
        Movie.objects.create(title="Alien", year=1979)
        with self.tmdb() as tmdb:
            for other in ({"title": "Aliens"}, {"release_date": "1992-01-01"}, {"release_date": None}, {"id": "348"}):
                MovieArt.objects.all().delete()
                tmdb.results["Alien"] = [self.alien() | other]
                self.assertEqual(fetch_art(), 0, other)
                self.assertEqual(MovieArt.objects.get().digest, "")

    def test_it_knows_a_film_by_its_main_title(self) -> None:
        Movie.objects.create(title="Amélie (Fabuleux destin d'Amélie Poulain, Le)", year=2001)
        with self.tmdb() as tmdb:
            tmdb.results["Amélie"] = [{"id": 194, "title": "Amelie", "release_date": "2001-04-25"}]
            self.assertEqual(fetch_art(), 1)

    def test_it_asks_again_for_what_was_not_found_only_after_long(self) -> None:
        Movie.objects.create(title="Alien", year=1979)
        with self.tmdb() as tmdb:
            fetch_art()
            fetch_art()
            self.assertEqual(len(tmdb.asked), 1)
            MovieArt.objects.update(asked_at=timezone.now() - timedelta(days=100))
            fetch_art()
            self.assertEqual(len(tmdb.asked), 2)

    def test_it_keeps_nothing_that_is_no_picture(self) -> None:
        Movie.objects.create(title="Alien", year=1979)
        with self.tmdb() as tmdb:
            tmdb.results["Alien"], tmdb.pictures["/t/alien.jpg"] = [self.alien()], b"<script>alert(1)</script>"
            fetch_art()
        self.assertEqual(MovieArt.objects.get().digest, "")

    def test_it_follows_no_path_out_of_the_pictures(self) -> None:
        Movie.objects.create(title="Alien", year=1979)
        with self.tmdb() as tmdb:
            tmdb.results["Alien"] = [self.alien() | {"poster_path": "/../../secret?x="}]
            fetch_art()
        self.assertEqual(MovieArt.objects.get().digest, "")

    def test_it_gives_up_on_an_answer_that_is_none(self) -> None:
        Movie.objects.create(title="Alien", year=1979)
        with self.tmdb() as tmdb:
            for broken in (b"<html>", b"[]", b'{"results": 1}'[:-1], b"\xff"):
                tmdb.broken = broken
                with self.assertRaises(Unavailable):
                    fetch_art()
        self.assertFalse(MovieArt.objects.exists())

    def test_without_a_key_nobody_is_asked(self) -> None:
        movie = Movie.objects.create(title="Alien", year=1979)
        self.assertEqual(fetch_art(), 0)
        drawn = card(movie)
        with self.assertNumQueries(0):
            self.assertTrue(drawn.poster_url.endswith(".svg"))

    def test_a_poster_that_is_not_there_is_not_found(self) -> None:
        with self.tmdb():
            self.assertEqual(self.client.get(f"/art/{'0' * 32}").status_code, 404)
            self.assertEqual(self.client.get("/art/../db.sqlite3").status_code, 404)
