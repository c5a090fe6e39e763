"""Bringing ratings from elsewhere, page by page."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from cinema.models import Movie, PendingImport, Rating, User
from recommender.tests.stored_versions import CatalogueTestCase, rate

LETTERBOXD = "Date,Name,Year,Letterboxd URI,Rating\n"
FILM_0 = "2020-01-31,Film 0,1960,u,4\n"


class ImportTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.alice)
        rates = {"import": 100_000, "export": 100, "rating": 100}
        override = self.settings(THROTTLE_RATES=rates)
        override.enable()
        self.addCleanup(override.disable)

    def hand_in(self, rows: str | bytes, header: str = LETTERBOXD) -> Any:
        data = rows if isinstance(rows, bytes) else (header + rows).encode()
        return self.client.post("/my/data/import", {"file": SimpleUploadedFile("ratings.csv", data)})

    def waiting(self) -> PendingImport:
        return PendingImport.objects.get(user=self.alice)

    def page(self, number: int = 1) -> Any:
        return self.client.get(f"/my/data/import/review?page={number}")

    def send(self, then: str = "apply", page: int = 1, **rows: str) -> Any:
        """The page's form as a browser sends it: what is ticked, changed by ``rows``."""
        fields = {f"row-{i}": str(row["choice"] or "") for i, row in enumerate(self.waiting().rows)}
        fields.update({name.replace("_", "-"): value for name, value in rows.items()})
        data = {"import_id": self.waiting().pk, "page": page, "then": then, **fields}
        return self.client.post("/my/data/import/review", data, follow=True)

    def undo(self) -> Any:
        return self.client.post("/my/data/import/undo", {"import_id": self.waiting().pk}, follow=True)

    def mine(self) -> dict[int, float]:
        return dict(Rating.objects.of(self.alice).values_list("movie_id", "value"))

    def kinds(self) -> list[str]:
        return [row["kind"] for row in self.waiting().rows]


class WholeWayTestCase(ImportTestCase):
    def test_a_file_becomes_ratings_and_can_be_undone(self) -> None:
        rate(self.alice, {3: 2.0})
        before = list(Rating.objects.order_by("pk").values())
        self.assertRedirects(self.hand_in(FILM_0 + "2020-02-01,Film 3,1963,u,5\n"), "/my/data/import/review")
        self.assertEqual(self.mine(), {40: 2.0})
        page = self.send(row_0="40")  # what differs comes first: take theirs
        self.assertRedirects(page, "/my/data/import")
        self.assertContains(page, "2 ratings imported.")
        self.assertEqual(self.mine(), {10: 4.0, 40: 5.0})
        self.assertEqual(Rating.objects.get(movie_id=10).rated_at, datetime(2020, 1, 31, 12, tzinfo=UTC))
        self.assertEqual(Rating.objects.get(movie_id=40).rated_at, before[0]["rated_at"])
        self.assertContains(self.undo(), "2 films are as before.")
        self.assertEqual(list(Rating.objects.order_by("pk").values()), before)

    def test_everything_is_counted_and_shown(self) -> None:
        Movie.objects.create(pk=1000, title="Film 5", year=1965)
        rate(self.alice, {3: 2.0, 4: 3.0})
        self.hand_in(
            FILM_0
            + "2020-02-01,Film 3,1963,u,5\n2020-02-01,Film 4,1964,u,3\n2020-02-01,Film 5,1965,u,3\n"
            + "2020-02-01,Film 6,1967,u,3\n2020-02-01,<b>Nothing</b>,1967,u,3\n2020-02-02,Film 0,1960,u,1\n"
        )
        self.assertEqual(self.kinds(), ["ambiguous", "differs", "probable", "matched", "same", "repeated", "missing"])
        page = self.page()
        for text in ("Several films fit: 1", "Keep mine: 2.0", "Take theirs: 5.0", "Probably this film",
                     "None of these", "You rated it the same: 1", "Not found here: 1", "&lt;b&gt;Nothing"):  # fmt: skip
            self.assertContains(page, text)
        self.assertEqual([row["choice"] for row in self.waiting().rows], [None, None, 70, 10, None, None, None])
        self.send()
        self.assertEqual(self.mine(), {40: 2.0, 50: 3.0, 70: 3.0, 10: 1.0})

    def test_the_person_chooses_among_several(self) -> None:
        Movie.objects.create(pk=1000, title="Film 5", year=1965)
        self.hand_in("2020-02-01,Film 5,1965,u,3\n")
        self.send(row_0="1000")
        self.assertEqual(self.mine(), {1000: 3.0})

    def test_a_film_without_tick_stays_out(self) -> None:
        self.hand_in(FILM_0 + "2020-02-01,Film 3,1963,u,5\n")
        self.send(row_0="")
        self.assertEqual(self.mine(), {40: 5.0})

    def test_nobody_chooses_what_is_not_offered(self) -> None:
        self.hand_in(FILM_0 + "2020-02-01,Nothing,1963,u,5\n")
        for text in ("20", "x", "9" * 400, "-10", "１０"):
            self.send(then="1", row_0=text, row_1="20")
            self.assertEqual([row["choice"] for row in self.waiting().rows], [None, None])

    def test_choices_stay_from_page_to_page(self) -> None:
        self.hand_in(
            "".join(f"2020-01-31,Film {i % 60},{1960 + i % 60},u,4\n" for i in range(60)) + "x,No,1960,u,3\n" * 90
        )
        self.assertContains(self.page(), "Page 1 of 2")
        self.assertEqual(self.page(2).context["page"].number, 2)
        answer = self.send(then="2", row_0="")
        self.assertRedirects(answer, "/my/data/import/review?page=2")
        self.send(page=2)
        self.assertEqual(len(self.mine()), 59)
        self.assertNotIn(10, self.mine())

    def test_ones_own_export_comes_back(self) -> None:
        Movie.objects.filter(pk=20).update(title="=Film, 1", year=None)
        Movie.objects.create(pk=1000, title="Film 2", year=1962)  # a film of the same name
        rate(self.alice, {0: 2.0, 1: 5.0, 2: 3.5})
        before = list(Rating.objects.order_by("movie_id").values_list("movie_id", "value", "rated_at"))
        archive = zipfile.ZipFile(io.BytesIO(self.client.get("/my/data/export.zip").content))
        Rating.objects.all().delete()
        self.hand_in(archive.read("ratings.csv"))
        self.send()
        self.assertEqual(list(Rating.objects.order_by("movie_id").values_list("movie_id", "value", "rated_at")), before)

    def test_movielens_goes_by_its_own_numbers(self) -> None:
        header, rows = "userId,movieId,rating,timestamp\n", "5,296,4.5,1580472000\n5,999,3,1580472000\n"
        refused = self.hand_in(rows, header)
        self.assertContains(refused, "come from 0 of them", status_code=422)
        Movie.objects.filter(pk=30).update(source="ml", source_id=296)
        self.hand_in(rows, header)
        self.assertContains(self.page(), "movieId 999")
        self.send()
        self.assertEqual(self.mine(), {30: 4.5})
        Movie.objects.filter(pk=40).update(source="other", source_id=296)
        self.assertContains(self.hand_in(rows, header), "come from 2 of them", status_code=422)


class OnceTestCase(ImportTestCase):
    def test_applying_twice_is_applying_once(self) -> None:
        self.hand_in(FILM_0)
        form = {"import_id": self.waiting().pk, "page": 1, "then": "apply", "row-0": "10"}
        self.client.post("/my/data/import/review", form)
        changed_at = Rating.objects.get().changed_at
        again = self.client.post("/my/data/import/review", form, follow=True)
        self.assertContains(again, "not waiting any more")
        self.assertEqual(Rating.objects.get().changed_at, changed_at)

    def test_the_same_file_again_changes_nothing(self) -> None:
        for _ in range(2):
            self.hand_in(FILM_0)
            self.send()
        self.assertEqual(self.waiting().overwritten, [])
        self.assertEqual(self.mine(), {10: 4.0})

    def test_an_old_form_does_not_meet_a_new_file(self) -> None:
        self.hand_in(FILM_0)
        old = self.waiting().pk
        self.hand_in("2020-02-01,Film 3,1963,u,5\n")
        form = {"import_id": old, "page": 1, "then": "apply", "row-0": "40"}
        self.assertRedirects(self.client.post("/my/data/import/review", form), "/my/data/import")
        self.assertEqual(self.mine(), {})

    def test_what_was_rated_since_the_review_stays(self) -> None:
        self.hand_in(FILM_0)
        rate(self.alice, {0: 1.0})
        self.assertContains(self.send(), "1 film was left alone")
        self.assertEqual(self.mine(), {10: 1.0})

    def test_undo_leaves_what_was_rated_since(self) -> None:
        self.hand_in(FILM_0 + "2020-02-01,Film 3,1963,u,5\n")
        self.send()
        self.client.post("/movies/10/rating", {"value": "0.5"})
        self.assertContains(self.undo(), "1 film was left alone")
        self.assertEqual(self.mine(), {10: 0.5})

    def test_undo_happens_once(self) -> None:
        self.hand_in(FILM_0)
        self.assertContains(self.undo(), "nothing to undo")
        self.send()
        pk = self.waiting().pk
        self.undo()
        answer = self.client.post("/my/data/import/undo", {"import_id": pk}, follow=True)
        self.assertContains(answer, "nothing to undo")

    def test_a_file_can_be_forgotten(self) -> None:
        self.hand_in(FILM_0)
        self.assertContains(self.client.get("/my/data/import"), "A file is waiting")
        self.client.post("/my/data/import/discard", {"import_id": self.waiting().pk})
        self.assertFalse(PendingImport.objects.exists())
        self.assertRedirects(self.page(), "/my/data/import")

    def test_whoever_comes_next_sweeps_what_is_older_than_a_day(self) -> None:
        self.hand_in(FILM_0)
        PendingImport.objects.update(created_at=timezone.now() - timedelta(hours=25))
        other = Client()
        other.force_login(self.bob)
        other.get("/my/data/import")
        self.assertFalse(PendingImport.objects.exists())


class DoorsTestCase(ImportTestCase):
    def test_a_file_is_its_owners_alone(self) -> None:
        self.hand_in(FILM_0)
        form = {"import_id": self.waiting().pk, "page": 1, "then": "apply", "row-0": "10"}
        self.client.force_login(self.bob)
        self.assertRedirects(self.page(), "/my/data/import")
        for path in ("review", "undo", "discard"):
            self.client.post(f"/my/data/import/{path}", form)
        self.assertEqual(Rating.objects.count(), 0)
        self.assertTrue(PendingImport.objects.filter(user=self.alice).exists())

    def test_strangers_are_sent_to_sign_in(self) -> None:
        self.client.logout()
        for path in ("", "/review", "/undo", "/discard"):
            self.assertTrue(self.client.post(f"/my/data/import{path}")["Location"].startswith("/sign-in"))

    def test_forms_need_their_token_and_changes_a_post(self) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.alice)
        for path in ("", "/review", "/undo", "/discard"):
            self.assertEqual(client.post(f"/my/data/import{path}").status_code, 403)
        for path in ("/undo", "/discard"):
            self.assertEqual(self.client.get(f"/my/data/import{path}").status_code, 405)

    def test_it_is_throttled(self) -> None:
        with self.settings(THROTTLE_RATES={"import": 1}):
            self.assertEqual([self.hand_in(FILM_0).status_code for _ in range(2)], [302, 429])

    def test_pages_are_quick(self) -> None:
        self.hand_in("".join(f"2020-01-31,Film {i},{1960 + i},u,4\n" for i in range(60)))
        for path, n in (("/my/data/import", 5), ("/my/data/import/review", 7)):
            with self.assertNumQueries(n):
                self.client.get(path)


class BadFilesTestCase(ImportTestCase):
    def test_the_page_says_why_and_where(self) -> None:
        page = self.hand_in(FILM_0 + "2020-01-31,Film 1,1961,u,9\n")
        self.assertContains(page, "Line 3: “9” is not a rating from 0.5 to 5", status_code=422)
        self.assertContains(self.hand_in(b"a,b\n1,2\n"), "Line 1:", status_code=422)
        self.assertContains(self.hand_in(b""), "The file is empty.", status_code=422)
        self.assertContains(self.client.post("/my/data/import"), "Choose a file first.", status_code=422)
        self.assertContains(self.client.post("/my/data/import", {"file": "x"}), "Choose a file", status_code=422)
        self.assertContains(self.hand_in(b"x" * (5 * 1024**2 + 1)), "larger than 5 MB", status_code=422)
        self.assertFalse(PendingImport.objects.exists())

    def test_a_bad_file_leaves_the_one_that_waits(self) -> None:
        self.hand_in(FILM_0)
        self.hand_in(b"nonsense")
        self.assertEqual(self.kinds(), ["matched"])

    def test_odd_forms_change_nothing(self) -> None:
        self.hand_in(FILM_0)
        pk = self.waiting().pk
        for form in ({}, {"import_id": "x"}, {"import_id": "9" * 30}, {"import_id": pk, "page": "0"},
                     {"import_id": pk, "page": "99", "then": "２"}, {"import_id": pk, "then": "-1"}):  # fmt: skip
            with self.subTest(str(form)):
                self.assertEqual(self.client.post("/my/data/import/review", form).status_code, 302)
        for number in ("0", "-1", "x", "9" * 30):
            self.assertEqual(self.client.get(f"/my/data/import/review?page={number}").status_code, 200)
        self.assertEqual(self.mine(), {})


class DeletedFilmTestCase(ImportTestCase):
    def test_a_film_that_went_meanwhile_is_left_out(self) -> None:
        self.hand_in(FILM_0 + "2020-02-01,Film 3,1963,u,5\n")
        Movie.objects.get(pk=10).delete()
        self.assertEqual(self.page().status_code, 200)
        self.send()
        self.assertEqual(self.mine(), {40: 5.0})

    def test_an_account_goes_with_its_file(self) -> None:
        self.hand_in(FILM_0)
        User.objects.get(pk=self.alice.pk).delete()
        self.assertFalse(PendingImport.objects.exists())


class AnyFileTestCase(HypothesisTestCase):
    @given(
        st.binary(max_size=60)
        | st.lists(st.sampled_from(["Film 0", "1960", "4", "", '"', "2020-01-31", "\0", "=1", "é"]), max_size=30).map(
            lambda cells: "\n".join(",".join(cells[i : i + 5]) for i in range(0, len(cells), 5)).encode()
        )
    )
    @settings(max_examples=40, deadline=None)
    def test_no_file_breaks_a_page(self, rest: bytes) -> None:
        Movie.objects.create(title="Film 0", year=1960)
        client = Client()
        client.force_login(User.objects.create_user("alice"))
        file = SimpleUploadedFile("ratings.csv", LETTERBOXD.encode() + rest)
        answer = client.post("/my/data/import", {"file": file})
        self.assertIn(answer.status_code, {302, 422})
        if answer.status_code == 302:
            self.assertEqual(client.get("/my/data/import/review").status_code, 200)
