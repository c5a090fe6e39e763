from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from cinema.models import User
from mlops.data_health import Drift
from mlops.health_tiles import Tile, drift_tiles, lists_tile, worst
from mlops.histograms import EMPTY, bucket
from mlops.models import HealthPolicy, ServingMinute, ShuffleTestResult, Watch, WatchPolicy
from mlops.serving_health import STRETCHES, altogether, steps
from recommender import registry
from recommender.models import LivePointer
from recommender.tests.stored_versions import DRAMA_FAN, CatalogueTestCase, rate, store_version


def served(version: str, minutes_ago: int, *, lists: int = 10, ms: float = 30.0, **counts: int) -> None:
    latency = list(EMPTY)
    latency[bucket(ms)] = lists
    moment = (timezone.now() - timedelta(minutes=minutes_ago)).replace(second=0, microsecond=0)
    values = {"handled": lists, "lists": lists, "places": 10 * lists, "popular_places": 2 * lists, **counts}
    ServingMinute.objects.create(minute=moment, version=version, latency=latency, learning=latency, **values)


class StepsTestCase(CatalogueTestCase):
    def test_every_minute_is_in_one_step_of_every_stretch(self) -> None:
        for minutes_ago in (0, 1, 30, 59):
            served("v1", minutes_ago)
        for stretch in STRETCHES.values():
            found = steps(stretch, timezone.now())
            with self.subTest(stretch.name):
                self.assertEqual(len(found), int(stretch.length / stretch.step))
                if stretch.name != "hour":
                    self.assertEqual(altogether(found).lists, 40)
                self.assertEqual(altogether(found).by_version.get("v1"), altogether(found).lists)
        self.assertGreaterEqual(altogether(steps(STRETCHES["hour"], timezone.now())).lists, 30)

    def test_nothing_has_no_shares(self) -> None:
        whole = altogether(steps(STRETCHES["hour"], timezone.now()))
        self.assertEqual((whole.fallback_share, whole.error_share, whole.latency_ms(0.5)), (None, None, None))


class TilesTestCase(CatalogueTestCase):
    def test_the_worst_word_stands_above_all(self) -> None:
        def tile(state) -> Tile:
            return Tile("", "", state, "")

        self.assertEqual(worst([tile("good"), tile("bad"), tile("warn")]), "bad")
        self.assertEqual(worst([tile("quiet"), tile("warn"), tile("good")]), "warn")
        self.assertEqual(worst([tile("quiet"), tile("good")]), "good")
        self.assertEqual(worst([tile("quiet")]), "quiet")

    def test_drift_is_told_with_what_chance_would_do(self) -> None:
        moved = Drift(3.5, 3.9, 0.4, 0.05, 500, 40, True)
        mean, _ = drift_tiles(HealthPolicy(), moved, moved)
        self.assertEqual((mean.value, mean.state), ("+0.40", "warn"))
        self.assertIn("chance alone moves it by 0.05", mean.text)

    def test_lists_worse_than_chance_are_not_well(self) -> None:
        result = {
            "model": 0.4,
            "model_interval": [0.3, 0.45],
            "popularity": 0.8,
            "beats_popularity": False,
            "beats_chance": False,
        }
        self.assertEqual(lists_tile(ShuffleTestResult(n=100, people=20, result=result)).state, "bad")
        self.assertEqual(lists_tile(None).state, "quiet")


class HealthPageTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.staff)

    def tile(self, title: str, path: str = "/training/health?stretch=hour") -> Tile:
        return next(tile for tile in self.client.get(path).context["tiles"] if tile.title == title)

    def test_an_empty_site_has_too_little_to_say(self) -> None:
        page = self.client.get("/training/health")
        self.assertContains(page, "No worker is running")
        self.assertEqual(self.tile("Impersonal lists").state, "quiet")

    def test_it_works_without_any_version(self) -> None:
        LivePointer.objects.all().delete()
        self.assertEqual(self.client.get("/training/health").status_code, 200)

    def test_what_is_served_is_held_against_the_thresholds(self) -> None:
        served(self.version.label, 5, fallbacks=1, ms=40)
        self.assertEqual(
            [self.tile(title).state for title in ("Impersonal lists", "Errors", "Lists, 95 % within")], ["good"] * 3
        )
        served(self.version.label, 6, fallbacks=9, errors=3, ms=3000)
        self.assertEqual(
            [self.tile(title).state for title in ("Impersonal lists", "Errors", "Lists, 95 % within")], ["bad"] * 3
        )
        self.assertContains(self.client.get("/training/health?stretch=hour"), "✕ Not all is well")

    def test_every_table_can_be_taken_along(self) -> None:
        served(self.version.label, 5)
        rate(self.alice, DRAMA_FAN)
        keys = [table.key for table in self.client.get("/training/health").context["tables"].values()]
        self.assertEqual(len(keys), len(set(keys)))
        for key in keys:
            with self.subTest(key):
                answer = self.client.get(f"/training/health?stretch=hour&table={key}&as=json").json()
                self.assertIsInstance(answer["rows"], list)
                self.assertEqual(self.client.get(f"/training/health?table={key}&as=csv").status_code, 200)
        rows = self.client.get("/training/health?stretch=hour&table=serving&as=json").json()["rows"]
        self.assertEqual((rows[0]["lists"], rows[0]["fallback_share"], rows[0]["popular_share"]), (10, 0.0, 0.2))

    def test_an_alarm_of_the_watch_offers_a_way_back(self) -> None:
        registry.activate(store_version())
        activation = LivePointer.objects.get().activation
        assert activation is not None
        finding = {"name": "errors", "passed": False, "text": "Errors: 9 % <against> 0 %"}
        Watch.objects.create(activation=activation, state="alarm", began_at=timezone.now(), findings=[finding])
        for path in ("/training/health", "/training/"):
            page = self.client.get(path)
            self.assertContains(page, "something is worse")
            self.assertContains(page, "Errors: 9 % &lt;against&gt; 0 %")
            self.assertContains(page, 'action="/models/roll-back"')

    def test_it_is_for_staff(self) -> None:
        self.client.force_login(self.alice)
        for path in ("/training/health", "/training/health/thresholds"):
            self.assertEqual(self.client.get(path).status_code, 403)

    def test_it_needs_few_queries_however_much_was_served(self) -> None:
        for minute in range(40):
            served(self.version.label, minute)
        self.client.get("/training/health?stretch=day")  # the live version is in memory then
        with self.assertNumQueries(25):
            self.client.get("/training/health?stretch=day")


class ThresholdsTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.staff)
        page = self.client.get("/training/health/thresholds")
        self.values = {
            field.html_name: field.value() for form in ("health_form", "watch_form") for field in page.context[form]
        }

    def test_both_are_saved_together(self) -> None:
        self.client.post("/training/health/thresholds", {**self.values, "slow_ms": "900", "action": "roll back"})
        self.assertEqual(HealthPolicy.current().slow_ms, 900)
        self.assertEqual(WatchPolicy.current().action, "roll back")

    def test_one_that_cannot_be_leaves_both(self) -> None:
        response = self.client.post("/training/health/thresholds", {**self.values, "slow_ms": "900", "minutes": "0"})
        self.assertEqual(response.status_code, 422)
        self.assertEqual((HealthPolicy.objects.count(), WatchPolicy.objects.count()), (0, 0))

    def test_an_empty_form_is_refused(self) -> None:
        self.assertEqual(self.client.post("/training/health/thresholds").status_code, 422)

    def test_looking_writes_nothing(self) -> None:
        self.assertFalse(HealthPolicy.objects.exists())
        self.assertEqual(User.objects.filter(username="grace").count(), 1)
