from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from cinema.models import User
from mlops.tests.test_dashboard import StaffTestCase
from mlops.timeline_chart import MAX_ROWS, timeline_chart
from recommender import registry, timeline
from recommender.models import Activation, LivePointer
from recommender.tests.stored_versions import store_version


class TimelinePageTestCase(StaffTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.one, self.other = store_version(), store_version()

    def change(self, version, generation: int, days_ago: int, **fields) -> Activation:
        return Activation.objects.create(
            version=version, generation=generation, kind=fields.pop("kind", "manual"),
            at=timezone.now() - timedelta(days=days_ago), **fields,
        )  # fmt: skip

    def test_it_invites_to_train_where_nothing_was_live(self) -> None:
        self.assertContains(self.client.get("/training/timeline"), "Nothing has been live yet")

    def test_it_shows_who_changed_what_and_why(self) -> None:
        registry.activate(self.one, actor=self.grace, reason="<b>first</b>")
        registry.activate(self.other, actor=self.grace)
        registry.roll_back(actor=self.grace, reason="Lists were poor")
        page = self.client.get("/training/timeline")
        for text in ("&lt;b&gt;first&lt;/b&gt;", "Lists were poor", "grace", "on hold since the roll-back"):
            self.assertContains(page, text)
        rows = self.client.get("/training/timeline?table=activations&as=json").json()["rows"]
        self.assertEqual([row["generation"] for row in rows], [3, 2, 1])
        self.assertEqual([row["how"] for row in rows], ["rollback", "manual", "manual"])
        self.assertIsNone(rows[0]["until"])

    def test_it_answers_for_any_past_moment(self) -> None:
        self.change(self.one, 1, 10, actor=self.grace)
        last = self.change(self.other, 2, 4)
        LivePointer.objects.create(activation=last, generation=2)
        for days_ago, text in (
            (12, "no version was live yet"),
            (7, f"{self.one.label}</code></a> was live: activated by staff by grace"),
            (2, f"{self.other.label}</code></a> was live"),
        ):
            moment = timezone.now() - timedelta(days=days_ago)
            with self.subTest(days_ago):
                self.assertContains(self.client.get(f"/training/timeline?at={moment:%Y-%m-%dT%H:%M}"), text)

    def test_it_says_what_is_no_moment_and_what_is_to_come(self) -> None:
        registry.activate(self.one)
        for text in ("yesterday", "2026-02-31T10:00", ""):
            self.assertContains(self.client.get("/training/timeline", {"at": text}), 'role="alert"')
        self.assertContains(self.client.get("/training/timeline?at=2199-01-01T00:00"), "yet to come")

    def test_one_can_roll_back_from_it(self) -> None:
        registry.activate(self.one)
        registry.activate(self.other)
        self.assertContains(self.client.get("/training/timeline"), 'name="generation" value="2"')
        self.client.post("/models/roll-back", {"reason": "a test", "generation": "2", "next": "/training/timeline"})
        self.assertEqual(registry.live().version, self.one)

    def test_it_is_for_staff(self) -> None:
        self.client.force_login(User.objects.get(username="alice"))
        self.assertEqual(self.client.get("/training/timeline").status_code, 403)

    def test_it_needs_few_queries(self) -> None:
        for _ in range(3):
            registry.activate(self.one, actor=self.grace)
            registry.activate(self.other, actor=self.grace)
        with self.assertNumQueries(8):
            self.client.get("/training/timeline?at=2026-01-01T00:00")


class TimelineChartTestCase(StaffTestCase):
    def test_a_row_for_each_version_and_a_bar_for_each_time_it_was_live(self) -> None:
        one, other = store_version(), store_version()
        now = timezone.now()
        log = [
            Activation.objects.create(version=version, kind="manual", generation=n, at=now - timedelta(hours=10 - n))
            for n, version in enumerate([one, other, one], start=1)
        ]
        chart = timeline_chart(timeline.periods(log), now)
        assert chart is not None
        self.assertEqual([(row.label, len(row.bars)) for row in chart.rows], [(one.label, 2), (other.label, 1)])
        first, second = chart.rows[0].bars
        between = chart.rows[1].bars[0]
        self.assertAlmostEqual(first.x + first.width, between.x, delta=0.2)
        self.assertAlmostEqual(between.x + between.width, second.x, delta=0.2)
        self.assertAlmostEqual(second.x + second.width, chart.right, delta=0.2)
        self.assertTrue(3 <= len(chart.ticks) <= 8)

    def test_many_versions_leave_the_oldest_to_the_table(self) -> None:
        now = timezone.now()
        log = [
            Activation.objects.create(
                version=store_version(), kind="manual", generation=n, at=now - timedelta(days=400 - n)
            )
            for n in range(1, MAX_ROWS + 3)
        ]
        chart = timeline_chart(timeline.periods(log), now)
        assert chart is not None
        self.assertEqual((len(chart.rows), chart.hidden), (MAX_ROWS, 2))
        self.assertEqual(chart.rows[0].label, log[-1].version.label)

    def test_nothing_has_no_chart(self) -> None:
        self.assertIsNone(timeline_chart([], timezone.now()))
