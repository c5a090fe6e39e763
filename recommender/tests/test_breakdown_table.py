from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase

from recommender.breakdown_table import BAR_WIDTH, breakdown_sections, group_notes
from recommender.models import ModelVersion

RMSE: dict[str, Any] = {
    "value": 0.9,
    "interval": [0.86, 0.93],
    "n": 672,
    "baseline": 0.91,
    "item_mean": 1.0,
    "breakdown": {
        "newcomers": {"value": 1.04, "interval": [0.94, 1.2], "n": 77, "baseline": 1.05, "item_mean": 1.06},
        "long_tail": {"value": 0.6, "interval": None, "n": 1, "baseline": None},
    },
    "passport": {"baseline": "biases only"},
}


class BreakdownTableTestCase(SimpleTestCase):
    def test_it_sets_everybody_above_the_groups(self) -> None:
        (section,) = breakdown_sections(ModelVersion(metrics={"rmse": RMSE, "mae": {"value": 0.7}}))
        self.assertEqual(section.title, "RMSE")
        self.assertEqual([row.title for row in section.rows], ["Everybody", "Newcomers", "Long-tail films"])
        self.assertEqual([row.is_whole for row in section.rows], [True, False, False])
        newcomers = section.rows[1]
        self.assertEqual((newcomers.value, newcomers.interval, newcomers.people), ("1.040", "0.940 to 1.200", "77"))
        self.assertEqual(newcomers.others, [("Biases only", "1.050"), ("Film mean", "1.060")])

    def test_its_bars_are_in_proportion_and_fit(self) -> None:
        (section,) = breakdown_sections(ModelVersion(metrics={"rmse": RMSE}))
        everybody, newcomers, long_tail = (row.bar for row in section.rows)
        # The longest is the upper end of the newcomers' interval, 1.2.
        self.assertEqual(newcomers.high, BAR_WIDTH)
        self.assertAlmostEqual(everybody.value, BAR_WIDTH * 0.9 / 1.2, delta=0.1)
        self.assertAlmostEqual(long_tail.value, BAR_WIDTH / 2, delta=0.1)
        self.assertEqual((long_tail.low, long_tail.high, long_tail.baseline), (None, None, None))

    def test_a_group_in_which_everything_is_nought_has_no_length(self) -> None:
        nought = {"value": 0.0, "interval": [0.0, 0.0], "n": 3, "baseline": 0.0}
        (section,) = breakdown_sections(
            ModelVersion(metrics={"ndcg_at_10": {**nought, "breakdown": {"heavy": nought}}})
        )
        self.assertEqual([row.bar.value for row in section.rows], [0.0, 0.0])

    def test_it_is_empty_for_a_version_that_was_not_broken_down(self) -> None:
        self.assertEqual(breakdown_sections(ModelVersion(metrics={"rmse": {"value": 0.9}})), [])
        self.assertEqual(group_notes(ModelVersion()), [])

    def test_it_says_who_the_groups_are_and_leaves_out_empty_ones(self) -> None:
        group = {"of": "people", "definition": "fewer than 20 training ratings", "members": 1077, "test_ratings": 3250}
        version = ModelVersion(diagnostics={"groups": {"newcomers": group, "heavy": {**group, "test_ratings": 0}}})
        (note,) = group_notes(version)
        self.assertEqual(note.title, "Newcomers")
        self.assertEqual(note.size, "1,077 people, 3,250 test ratings")
