from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.test import TestCase
from django.utils import timezone
from knox.models import AuthToken

from cinema.models import Genre, Movie, Rating, ThrottleCount, User


class CinemaAdminTestCase(TestCase):
    def setUp(self) -> None:
        self.grace = User.objects.create_superuser("grace")
        self.alice = User.objects.create_user("alice")
        self.imported = User.objects.create(username="demo:1", source="demo", source_id=1, is_active=False)
        self.movie = Movie.objects.create(title="Alien", year=1979)
        self.horror = Genre.objects.create(name="Horror")
        now = timezone.now()
        self.rating = Rating.objects.create(user=self.alice, movie=self.movie, value=4.0, rated_at=now, changed_at=now)
        self.client.force_login(self.grace)

    def test_it_shows_every_model_of_ours(self) -> None:
        for name in ("cinema", "recommender", "mlops"):
            for model in apps.get_app_config(name).get_models():
                self.assertTrue(admin.site.is_registered(model), model)
                path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
                self.assertEqual(self.client.get(path).status_code, 200, path)

    def test_films_and_genres_can_be_edited(self) -> None:
        response = self.client.post(
            f"/admin/cinema/movie/{self.movie.pk}/change/",
            {"title": "Aliens", "year": "1986", "genres": [self.horror.pk], "source": "x"},
        )
        self.assertEqual(response.status_code, 302)
        self.movie.refresh_from_db()
        self.assertEqual((self.movie.title, self.movie.year, self.movie.source), ("Aliens", 1986, ""))
        self.client.post("/admin/cinema/genre/add/", {"name": "Western"})
        self.assertTrue(Genre.objects.filter(name="Western").exists())

    def test_a_rated_film_cannot_be_deleted(self) -> None:
        self.client.post(f"/admin/cinema/movie/{self.movie.pk}/delete/", {"post": "yes"})
        self.assertTrue(Movie.objects.filter(pk=self.movie.pk).exists())
        unrated = Movie.objects.create(title="Unseen")
        self.client.post(f"/admin/cinema/movie/{unrated.pk}/delete/", {"post": "yes"})
        self.assertFalse(Movie.objects.filter(pk=unrated.pk).exists())

    def test_ratings_and_throttles_can_only_be_looked_at(self) -> None:
        throttle = ThrottleCount.objects.create(scope="rating", key="1", window=timezone.now())
        for model, pk in (("rating", self.rating.pk), ("throttlecount", throttle.pk)):
            base = f"/admin/cinema/{model}/"
            self.assertEqual(self.client.get(f"{base}{pk}/change/").status_code, 200)
            self.assertEqual(self.client.post(f"{base}{pk}/change/", {"value": "1.0"}).status_code, 403)
            self.assertEqual(self.client.get(f"{base}add/").status_code, 403)
            self.assertEqual(self.client.post(f"{base}{pk}/delete/", {"post": "yes"}).status_code, 403)
        self.rating.refresh_from_db()
        self.assertEqual(self.rating.value, 4.0)

    def test_imported_people_can_only_be_looked_at(self) -> None:
        base = f"/admin/cinema/user/{self.imported.pk}"
        self.assertEqual(self.client.get(f"{base}/change/").status_code, 200)
        self.assertEqual(self.client.post(f"{base}/change/", {"is_active": "on"}).status_code, 403)
        self.assertEqual(self.client.get(f"{base}/password/").status_code, 403)
        self.assertEqual(self.client.post(f"{base}/delete/", {"post": "yes"}).status_code, 403)
        self.client.post(
            "/admin/cinema/user/",
            {"action": "delete_selected", "_selected_action": [self.imported.pk], "post": "yes"},
        )
        self.imported.refresh_from_db()
        self.assertFalse(self.imported.is_active)

    def test_a_person_goes_with_all_ratings(self) -> None:
        self.client.post(f"/admin/cinema/user/{self.alice.pk}/delete/", {"post": "yes"})
        self.assertFalse(User.objects.filter(username="alice").exists())
        self.assertFalse(Rating.objects.exists())

    def test_accounts_can_be_edited(self) -> None:
        page = self.client.get(f"/admin/cinema/user/{self.alice.pk}/change/")
        self.assertContains(page, "alice")
        self.client.post(f"/admin/cinema/user/{self.alice.pk}/change/", {"username": "alice", "is_staff": "on"})
        self.alice.refresh_from_db()
        self.assertEqual((self.alice.is_staff, self.alice.is_active), (True, False))

    def test_tokens_show_no_secret_and_can_be_revoked(self) -> None:
        row, token = AuthToken.objects.create(self.alice)
        page = self.client.get("/admin/knox/authtoken/").content.decode()
        self.assertIn("alice", page)
        self.assertNotIn(token, page)
        self.assertNotIn(row.token_key, page)
        self.assertEqual(self.client.get("/admin/knox/authtoken/add/").status_code, 403)
        chosen = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        self.client.post("/admin/knox/authtoken/", chosen)
        self.assertFalse(AuthToken.objects.exists())

    def test_it_obeys_the_sites_policy(self) -> None:
        response = self.client.get("/admin/")
        self.assertIn("default-src 'self'", response["Content-Security-Policy"])
        self.assertNotIn("unsafe-inline", response["Content-Security-Policy"])
        self.assertContains(response, "css/admin.css")
        self.assertNotContains(response, "<style")
