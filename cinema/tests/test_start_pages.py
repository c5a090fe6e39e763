from __future__ import annotations

import re
from typing import Any

from django.db import connection
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from cinema import onboarding
from cinema.library import hide_movie
from cinema.models import FirstMinutes, Movie, Rating, UnseenMovie, User
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, StoredVersionsMixin, make_catalogue, rate

HTMX = {"HX-Request": "true"}
TRANSACTION = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")  # how a database is told where one begins and ends


class StartTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.alice)

    def offered(self) -> list[str]:
        page = self.client.get("/start?groups").content.decode()
        return re.findall(r'name="groups" value="(\d+)"', page)

    def question(self, **extra) -> Movie:
        return self.client.get("/start/rate", **extra).context["movie"]

    def answer(self, movie: Movie | None = None, htmx: bool = False, **said):
        values = {"movie": str((movie or self.question()).pk), **said}
        return self.client.post("/start/rate", values, headers=HTMX if htmx else {})


class GroupsPageTestCase(StartTestCase):
    def test_it_offers_groups_with_examples(self) -> None:
        response = self.client.get("/start")
        self.assertContains(response, "Which of these are yours?")
        self.assertContains(response, "Film ")
        self.assertGreater(len(self.offered()), 1)
        self.assertEqual(FirstMinutes.objects.count(), 0)  # looking begins nothing

    def test_it_keeps_what_is_picked_and_goes_on_to_the_films(self) -> None:
        first, second, *_ = self.offered()
        self.assertRedirects(self.client.post("/start", {"groups": [first, second]}), "/start/rate")
        liked = FirstMinutes.objects.get(user=self.alice).liked_films
        self.assertLessEqual({int(first), int(second)}, set(liked))
        self.assertEqual(Rating.objects.count(), 0)
        page = self.client.get("/start?groups").content.decode()
        self.assertEqual(page.count(" checked"), 2)

    def test_it_refuses_nothing_and_what_was_not_offered(self) -> None:
        for picks in ({}, {"groups": ["999999"]}, {"groups": ["x"]}, {"groups": ["9" * 40]}):
            response = self.client.post("/start", picks)
            self.assertEqual(response.status_code, 422, picks)
            self.assertContains(response, 'role="alert"', status_code=422)
        self.assertEqual(FirstMinutes.objects.count(), 0)

    def test_whoever_has_begun_goes_on_where_they_were(self) -> None:
        onboarding.say_unseen(user=self.alice, movie=Movie.objects.get(pk=10))
        self.assertRedirects(self.client.get("/start"), "/start/rate")
        self.assertContains(self.client.get("/start?groups"), "Which of these are yours?")

    def test_it_sends_strangers_to_sign_in(self) -> None:
        self.client.logout()
        for path in ("/start", "/start/rate", "/start/list"):
            self.assertRedirects(self.client.get(path), f"/sign-in?next={path}")
        self.assertEqual(self.client.post("/start/skip").status_code, 302)
        self.assertEqual(FirstMinutes.objects.count(), 0)

    def test_it_is_quick(self) -> None:
        self.client.get("/start")  # loads the model
        with CaptureQueriesContext(connection) as queries:
            self.client.get("/start")
        self.assertLessEqual(len(queries), 15, [query["sql"][:120] for query in queries])


class QuestionPageTestCase(StartTestCase):
    def test_it_asks_about_one_film_with_buttons_for_every_answer(self) -> None:
        response = self.client.get("/start/rate")
        movie = response.context["movie"]
        self.assertContains(response, movie.title)
        self.assertContains(response, "0 of 5 rated")
        self.assertContains(response, "We have only just met.")
        for key in "12345n":
            self.assertContains(response, f'data-key="{key}"', count=1)
        self.assertNotContains(response, 'data-key="u"')

    def test_a_rating_is_kept_and_the_next_film_asked(self) -> None:
        movie = self.question()
        response = self.client.post("/start/rate", {"movie": movie.pk, "value": "4.0"}, follow=True)
        self.assertEqual(Rating.objects.get(user=self.alice).value, 4.0)
        self.assertContains(response, f"{movie.title}: 4 stars.")
        self.assertContains(response, "1 of 5 rated")
        self.assertNotEqual(response.context["movie"], movie)
        self.assertGreater(response.context["known"], 0)

    def test_a_film_not_seen_is_kept_and_never_asked_again(self) -> None:
        movie = self.question()
        response = self.answer(unseen="1", htmx=True)
        self.assertContains(response, f"{movie.title}: not seen.")
        self.assertTrue(UnseenMovie.objects.filter(user=self.alice, movie=movie).exists())
        self.assertEqual(Rating.objects.count(), 0)
        self.assertNotEqual(self.question(), movie)

    def test_an_answer_can_be_taken_back(self) -> None:
        movie = self.question()
        answers: list[dict[str, Any]] = [{"value": "2.0"}, {"unseen": "1"}]
        for said in answers:
            for htmx in (True, False):
                self.answer(movie, **said)
                response = self.answer(movie, undo="1", htmx=htmx)
                response = response if htmx else self.client.get(response["Location"])
                self.assertContains(response, f"{movie.title}: taken back.")
                self.assertEqual(response.context["movie"], movie)
                self.assertEqual((Rating.objects.count(), UnseenMovie.objects.count()), (0, 0))

    def test_a_rating_takes_back_that_it_was_not_seen(self) -> None:
        movie = self.question()
        self.answer(movie, unseen="1")
        self.answer(movie, value="3.0")
        self.assertEqual((Rating.objects.count(), UnseenMovie.objects.count()), (1, 0))

    def test_it_answers_htmx_with_the_question_alone_and_says_what_happened(self) -> None:
        response = self.answer(value="5.0", htmx=True)
        page = response.content.decode().strip()
        self.assertTrue(page.startswith('<section class="question"'), page[:80])
        self.assertIn('hx-swap-oob="innerHTML:#announcement"', page)
        self.assertIn("autofocus", page)
        self.assertIn(f"Next: {response.context['movie'].title}. 1 rated.", page)

    def test_it_refuses_what_is_no_answer(self) -> None:
        movie = self.question()
        for said in (
            {},
            {"value": "7"},
            {"value": "4.0", "unseen": "1"},
            {"value": "nan"},
        ):
            for htmx in (True, False):
                response = self.answer(movie, htmx=htmx, **said)
                self.assertEqual(response.status_code, 422, said)
                self.assertContains(response, 'role="alert"', status_code=422)
        self.assertEqual(self.client.post("/start/rate", {"movie": "x", "value": "4.0"}).status_code, 422)
        self.assertEqual(self.client.post("/start/rate", {"movie": 7, "value": "4.0"}).status_code, 404)
        self.assertEqual(self.client.post("/start/rate", {"movie": 2**63 - 1, "unseen": "1"}).status_code, 404)
        self.assertEqual((Rating.objects.count(), UnseenMovie.objects.count()), (0, 0))

    def test_odd_addresses_do_no_harm(self) -> None:
        for after in ("", "x", "-1", "9" * 18, "9" * 30, "٣", "10"):
            self.assertEqual(self.client.get("/start/rate", {"after": after}).status_code, 200, after)
        hidden = self.question()
        hide_movie(user=self.alice, movie=hidden)
        self.assertNotEqual(self.client.get(f"/start/rate?after={hidden.pk}").context["movie"], hidden)

    @override_settings(THROTTLE_RATES={"rating": 2})
    def test_it_takes_few_answers_a_minute(self) -> None:
        self.answer(unseen="1")
        self.answer(value="4.0", htmx=True)
        movie = self.question()
        response = self.answer(movie, value="4.0", htmx=True)
        self.assertContains(response, "That were many ratings", status_code=429)
        self.assertIn("Retry-After", response)
        self.assertEqual(self.answer(movie, value="4.0").status_code, 429)
        self.assertEqual(Rating.objects.count(), 1)

    def test_it_needs_a_token_against_forgery(self) -> None:
        strict = self.client_class(enforce_csrf_checks=True)
        strict.force_login(self.alice)
        for path in ("/start", "/start/rate", "/start/skip"):
            self.assertEqual(strict.post(path, {"movie": 10, "unseen": "1"}).status_code, 403)
        self.assertEqual(UnseenMovie.objects.count(), 0)

    def test_it_is_quick(self) -> None:
        self.answer(value="4.0")  # loads the model
        for said in ({"value": "3.0"}, {"unseen": "1"}):
            movie = self.question()
            with CaptureQueriesContext(connection) as queries:
                self.answer(movie, htmx=True, **said)
            asked = [query["sql"][:120] for query in queries if not query["sql"].startswith(TRANSACTION)]
            self.assertLessEqual(len(asked), 15, asked)
        with CaptureQueriesContext(connection) as queries:
            self.client.get("/start/rate")
        self.assertLessEqual(len(queries), 15, [query["sql"][:120] for query in queries])

    def test_it_says_when_nothing_is_left(self) -> None:
        Movie.objects.all().delete()
        self.assertContains(self.client.get("/start/rate"), "Nothing left to ask")

    def test_it_has_no_inline_script_or_style(self) -> None:
        for path in ("/start", "/start/rate"):
            page = self.client.get(path).content.decode()
            self.assertNotIn(" style=", page)
            self.assertEqual(page.count("<script"), page.count("<script src="))

    def test_it_escapes_titles(self) -> None:
        movie = self.question()
        Movie.objects.filter(pk=movie.pk).update(title="<b>Bold & bad</b>")
        self.assertNotContains(self.client.get("/start/rate"), "<b>Bold")
        self.assertNotContains(self.answer(movie, unseen="1", htmx=True), "<b>Bold")


class FirstListTestCase(StartTestCase):
    def test_five_answers_make_the_first_list(self) -> None:
        for _ in range(4):
            self.assertEqual(self.answer(value="4.0", htmx=True).status_code, 200)
        response = self.answer(value="4.0", htmx=True)
        self.assertEqual(response["HX-Redirect"], "/start/list")
        self.assertIsNotNone(FirstMinutes.objects.get(user=self.alice).finished_at)
        page = self.client.get("/start/list")
        self.assertContains(page, "Your first list")
        self.assertEqual(len(page.context["cards"]), 10)
        rated = set(Rating.objects.of(self.alice).values_list("movie_id", flat=True))
        self.assertFalse({card.movie_id for card in page.context["cards"]} & rated)
        self.assertContains(page, 'href="/"')
        # And one may go on.
        self.assertEqual(self.answer(value="4.0", htmx=True).status_code, 200)
        self.assertContains(self.client.get("/start/rate"), "6 films rated")

    def test_a_plain_form_is_sent_on_to_it(self) -> None:
        rate(self.alice, {0: 5.0, 1: 4.0, 2: 4.5, 40: 1.0})
        self.assertRedirects(self.answer(value="2.0"), "/start/list")

    def test_rating_the_fifth_film_again_leads_nowhere_else(self) -> None:
        rate(self.alice, {0: 5.0, 1: 4.0, 2: 4.5, 40: 1.0})
        movie = self.question()
        self.answer(movie, value="2.0")
        self.assertRedirects(self.answer(movie, value="3.0"), f"/start/rate?after={movie.pk}")

    def test_it_is_not_there_before(self) -> None:
        rate(self.alice, {0: 5.0, 1: 4.0, 2: 4.5, 40: 1.0})
        self.assertRedirects(self.client.get("/start/list"), "/start/rate")

    def test_it_is_quick(self) -> None:
        rate(self.alice, DRAMA_FAN)
        self.client.get("/start/list")
        with CaptureQueriesContext(connection) as queries:
            self.client.get("/start/list")
        self.assertLessEqual(len(queries), 15, [query["sql"][:120] for query in queries])


class SkipTestCase(StartTestCase):
    def test_it_leads_home_where_one_can_go_on(self) -> None:
        response = self.client.post("/start/skip", follow=True)
        self.assertContains(response, "Skipped.")
        self.assertContains(response, 'href="/start"')
        self.assertIsNotNone(FirstMinutes.objects.get(user=self.alice).skipped_at)

    def test_it_is_offered_on_every_page_before_the_list(self) -> None:
        for path in ("/start", "/start/rate"):
            self.assertContains(self.client.get(path), 'action="/start/skip"')

    def test_it_is_no_link(self) -> None:
        self.assertEqual(self.client.get("/start/skip").status_code, 405)

    def test_home_invites_nobody_who_has_a_list(self) -> None:
        rate(self.alice, DRAMA_FAN)
        self.assertNotContains(self.client.get("/"), 'href="/start"')


class StartWithoutModelTestCase(StoredVersionsMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        make_catalogue()
        self.alice = User.objects.create_user("alice")
        self.client.force_login(self.alice)

    def test_it_asks_about_films_at_once_and_ends_with_popular_ones(self) -> None:
        self.assertRedirects(self.client.get("/start"), "/start/rate")
        for _ in range(5):
            response = self.client.get("/start/rate")
            self.assertNotContains(response, "How well we know you")
            self.client.post("/start/rate", {"movie": response.context["movie"].pk, "value": "4.0"})
        page = self.client.get("/start/list")
        self.assertContains(page, "There is no model yet")
        self.assertEqual(len(page.context["cards"]), 10)

    def test_picks_are_refused_where_nothing_is_offered(self) -> None:
        self.assertEqual(self.client.post("/start", {"groups": ["10"]}).status_code, 422)


class ErasureTestCase(CatalogueTestCase):
    def test_the_admin_erases_a_person_with_their_first_minutes(self) -> None:
        onboarding.pick_films(user=self.alice, movie_ids=[10])
        onboarding.say_unseen(user=self.alice, movie=Movie.objects.get(pk=10))
        self.client.force_login(User.objects.create_superuser("root"))
        self.client.post(f"/admin/cinema/user/{self.alice.pk}/delete/", {"post": "yes"})
        self.assertFalse(User.objects.filter(pk=self.alice.pk).exists())
        self.assertEqual((FirstMinutes.objects.count(), UnseenMovie.objects.count()), (0, 0))
