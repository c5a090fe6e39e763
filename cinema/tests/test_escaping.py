"""Whatever an import brings in is text on every page, never markup."""

from __future__ import annotations

from xml.dom.minidom import parseString

from cinema.cards import card
from cinema.models import Genre, Movie, User
from mlops.models import TrainingRun
from recommender import registry
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, store_version

EVIL = '<img src=x onerror="alert(1)">"\'><script>alert(2)</script>{{ 7|add:7 }}{% now "Y" %}</title></textarea>'


class EscapingTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        Movie.objects.update(title=EVIL)
        Genre.objects.filter(name="Drama").update(name=EVIL[:60])
        self.grace = User.objects.create_superuser("grace<b>", password="x")
        rate(self.grace, DRAMA_FAN)
        TrainingRun.objects.create(
            status="failed", preset="tuned", error=EVIL, hyperparameters={EVIL: EVIL}, requested_by=self.grace
        )
        evil_metric = {"value": 1.0, "passport": {"protocol": EVIL, "baseline": EVIL, EVIL: EVIL}, "baseline": 0.5}
        self.evil_version = store_version(metrics={"rmse": evil_metric}, note=EVIL, hyperparameters={EVIL: EVIL})
        registry.activate(self.evil_version, actor=self.grace, reason=EVIL)
        self.client.force_login(self.grace)

    def assert_is_text(self, path: str) -> None:
        response = self.client.get(path)
        self.assertEqual(response.status_code, 200, path)
        page = response.content.decode()
        self.assertNotIn("<img src=x", page, path)
        self.assertNotIn("<script>alert", page, path)
        self.assertNotIn("<b>,", page, path)
        self.assertNotIn("grace<b>", page, path)

    def test_it_is_text_on_every_page(self) -> None:
        paths = ["/", "/movies", "/movies?search=img", "/movies/10", "/movies/110", "/my/ratings", "/training/"]
        paths += [f"/training/runs/{TrainingRun.objects.get().pk}", f"/models/{self.evil_version.label}"]
        for path in paths:
            self.assert_is_text(path)
        self.client.logout()
        for path in ("/", "/movies/10"):
            self.assert_is_text(path)

    def test_it_is_text_in_fragments_and_messages(self) -> None:
        response = self.client.post("/movies/300/rating", {"value": "5.0"}, headers={"HX-Request": "true"})
        self.assertNotContains(response, "<img src=x")
        response = self.client.post("/movies/310/rating", {"value": "5.0"}, follow=True)
        self.assertContains(response, "You gave &lt;img")
        self.assertNotContains(response, "<img src=x")

    def test_it_is_text_on_the_admins_pages(self) -> None:
        for model in ("cinema/movie", "cinema/genre", "cinema/rating", "mlops/trainingrun", "recommender/activation"):
            self.assert_is_text(f"/admin/{model}/")
        self.assert_is_text("/admin/cinema/movie/10/change/")

    def test_it_is_text_on_posters(self) -> None:
        movie = Movie.objects.get(pk=10)
        svg = self.client.get(card(movie).poster_url).content
        self.assertEqual(len(parseString(svg).getElementsByTagName("script")), 0)
        self.assertEqual(len(parseString(svg).getElementsByTagName("img")), 0)

    def test_it_is_text_in_the_search_box(self) -> None:
        response = self.client.get("/movies", {"search": '"><script>alert(1)</script>', "genre": '"><script>alert(1)'})
        self.assertNotContains(response, "<script>alert")
