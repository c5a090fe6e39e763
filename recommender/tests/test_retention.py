from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from unittest import mock

from django.db import connection
from django.test import SimpleTestCase, TransactionTestCase
from hypothesis import given
from hypothesis import strategies as st

from recommender import artifacts, registry, retention
from recommender.models import HeldOut, ModelVersion
from recommender.tests.stored_versions import CatalogueTestCase, StoredVersionsMixin, store_version


def a_version(pk: int, ndcg: float | None = None, *, pinned: bool = False) -> ModelVersion:
    metrics = {} if ndcg is None else {"ndcg_at_10": {"value": ndcg}, "rmse": {"value": ndcg}}
    return ModelVersion(pk=pk, label=f"v{pk}", metrics=metrics, pinned=pinned)


def kept(versions: list[ModelVersion], **options) -> list[int]:
    wanted = {"keep_newest": 1, "keep_best": 1, "best_by": "ndcg_at_10", "in_use": {}, **options}
    return [fate.version.pk for fate in retention.fates(versions, **wanted) if fate.is_kept]


class FatesTestCase(SimpleTestCase):
    def test_the_newest_the_best_the_pinned_and_those_in_use_stay(self) -> None:
        versions = [a_version(6, 0.1), a_version(5, 0.2), a_version(4, 0.9), a_version(3, 0.3, pinned=True),
                    a_version(2, 0.4), a_version(1, 0.5)]  # fmt: skip
        self.assertEqual(kept(versions, in_use={1: "live"}), [6, 4, 3, 1])
        self.assertEqual(kept(versions, keep_newest=3), [6, 5, 4, 3])
        self.assertEqual(kept(versions, keep_best=2), [6, 4, 3, 1])

    def test_of_errors_the_smallest_are_the_best(self) -> None:
        versions = [a_version(3, 0.9), a_version(2, 0.8), a_version(1, 0.7)]
        self.assertEqual(kept(versions, best_by="rmse"), [3, 1])

    def test_one_that_was_not_measured_is_not_the_best(self) -> None:
        self.assertEqual(kept([a_version(3), a_version(2), a_version(1, 0.1)]), [3, 1])

    def test_every_reason_is_told(self) -> None:
        (fate,) = retention.fates(
            [a_version(1, 0.5, pinned=True)], keep_newest=2, keep_best=1, best_by="ndcg_at_10", in_use={1: "live"}
        )
        self.assertEqual(fate.reasons, ["live", "pinned", "one of the 2 newest", "the best"])

    @given(
        st.lists(st.tuples(st.floats(0, 1) | st.none(), st.booleans()), max_size=12),
        st.integers(1, 4),
        st.integers(1, 4),
    )
    def test_it_never_lets_go_what_is_promised(
        self, made: list[tuple[float | None, bool]], newest: int, best: int
    ) -> None:
        versions = [a_version(pk, ndcg, pinned=pinned) for pk, (ndcg, pinned) in enumerate(made, start=1)]
        stay = set(kept(versions, keep_newest=newest, keep_best=best))
        self.assertLessEqual({version.pk for version in versions if version.pinned}, stay)
        self.assertLessEqual({version.pk for version in versions[-newest:]}, stay)
        self.assertEqual(len(versions) > 0, len(stay) > 0)


class DeleteTestCase(CatalogueTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.old = store_version()
        self.new = store_version()
        registry.activate(self.new)

    def test_its_row_its_files_and_its_test_part_go(self) -> None:
        HeldOut.objects.create(version=self.old, user=self.alice, from_time=1, from_movie=10)
        self.assertTrue(retention.delete(self.old))
        self.old.refresh_from_db()
        self.assertEqual(self.old.status, ModelVersion.Status.DELETED)
        self.assertFalse(artifacts.exists(self.old.label))
        self.assertFalse(HeldOut.objects.exists())

    def test_what_is_live_previous_or_pinned_stays(self) -> None:
        registry.annotate(self.old, pinned=True)
        for version in (self.new, self.version, self.old):
            self.assertFalse(retention.delete(version))
            self.assertTrue(artifacts.exists(version.label))

    def test_twice_is_once(self) -> None:
        self.assertTrue(retention.delete(self.old))
        self.assertFalse(retention.delete(self.old))

    def test_a_crash_before_the_files_go_is_made_good(self) -> None:
        with mock.patch("recommender.artifacts.delete", side_effect=OSError), self.assertRaises(OSError):
            retention.delete(self.old)
        self.assertTrue(artifacts.exists(self.old.label))
        self.assertEqual(retention.delete_leftovers(), [self.old.label])
        self.assertEqual(artifacts.leftovers({self.new.label, self.version.label}), [])

    def test_what_never_got_a_row_is_swept_when_it_has_aged(self) -> None:
        names = [".tmp-v20260101_000000-ab", "v20260101_000000"]
        for name in names:
            (artifacts.root() / name).mkdir()
        (artifacts.root() / "stray").symlink_to("/etc")
        self.assertEqual(retention.delete_unowned(), [])
        for name in names:
            os.utime(artifacts.root() / name, (0, 0))
        os.utime(artifacts.root() / "stray", (0, 0), follow_symlinks=False)
        for version in (self.old, self.new):
            os.utime(artifacts.root() / version.label, (0, 0))
        self.assertEqual(retention.delete_unowned(), [names[0], "stray", names[1]])
        self.assertTrue(artifacts.exists(self.old.label) and artifacts.exists(self.new.label))
        self.assertEqual(retention.delete_unowned(), [])

    def test_a_deleted_version_never_serves_again(self) -> None:
        stale = ModelVersion.objects.get(pk=self.old.pk)
        retention.delete(self.old)
        with self.assertRaises(registry.VersionNotReady):
            registry.activate_verified(stale)
        self.assertEqual(registry.live().version, self.new)

    def test_a_rollback_goes_past_what_was_deleted(self) -> None:
        newest = store_version()
        registry.activate(newest)  # previous is now self.new, and self.version is free to go
        self.assertTrue(retention.delete(self.version))
        registry.roll_back(actor=None, reason="a test")
        with self.assertRaises(registry.NothingToRollBackTo):
            registry.roll_back(actor=None, reason="a test")


class RaceTestCase(StoredVersionsMixin, TransactionTestCase):
    def test_it_is_either_deleted_or_live_never_both(self) -> None:
        for _ in range(8):
            live, version = store_version(), store_version()
            registry.activate(live)
            start = threading.Barrier(2)
            outcome: dict[str, bool] = {}

            def activate(version: ModelVersion = version, start=start, outcome=outcome) -> None:
                start.wait()
                try:
                    registry.activate_verified(version)
                    outcome["live"] = True
                except registry.VersionNotReady:
                    outcome["live"] = False
                connection.close()

            def delete(version: ModelVersion = version, start=start, outcome=outcome) -> None:
                start.wait()
                outcome["deleted"] = retention.delete(version)
                connection.close()

            threads = [threading.Thread(target=one) for one in (activate, delete)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertNotEqual(outcome["live"], outcome["deleted"])
            self.assertEqual(artifacts.exists(version.label), outcome["live"])
            self.assertEqual(registry.live().version, version if outcome["live"] else live)


class LabelTestCase(StoredVersionsMixin, TransactionTestCase):
    def test_the_label_of_a_deleted_version_is_not_given_again(self) -> None:
        now = datetime(2026, 5, 3, tzinfo=UTC)
        version = store_version()
        ModelVersion.objects.filter(pk=version.pk).update(label="v20260503_000000", status="deleted")
        self.assertEqual(registry.new_label(now), "v20260503_000001")
