from __future__ import annotations

from typing import Any

from django.test import SimpleTestCase

from cinema.breakdown import Breakdown, confidence_in_words


def explanation(
    contributions: list[float], *, film: float = 0.42, you: float = -0.11, clipped: float = 0.0
) -> dict[str, Any]:
    total = 3.5 + film + you + sum(contributions) + clipped
    return {
        "breakdown": {
            "base": 3.5,
            "film": film,
            "you": you,
            "your_ratings": sum(contributions),
            "clipped": clipped,
            "total": total,
        },
        "contributions": [
            {"movie_id": i, "title": f"Film {i}", "your_rating": 4.0, "contribution": value}
            for i, value in enumerate(contributions, start=1)
        ],
    }


class BreakdownTestCase(SimpleTestCase):
    def test_its_bars_and_the_base_add_up_to_the_total(self) -> None:
        contributions = [0.3, -0.2, 0.001] + [0.02 * (-1) ** i for i in range(30)]
        breakdown = Breakdown.of(explanation(contributions, clipped=-0.3))
        self.assertAlmostEqual(breakdown.base + sum(bar.value for bar in breakdown.bars), breakdown.total, places=9)

    def test_it_names_the_strongest_and_sums_up_the_others(self) -> None:
        breakdown = Breakdown.of(explanation([0.01 * i for i in range(1, 16)]))
        ratings = [bar for bar in breakdown.bars if bar.kind == "rating"]
        self.assertEqual([bar.movie_id for bar in ratings], list(range(15, 5, -1)))
        self.assertEqual(breakdown.bars[-1].label, "Your 5 other ratings")
        self.assertAlmostEqual(breakdown.bars[-1].value, 0.15)

    def test_it_gives_no_bar_to_what_could_not_be_seen(self) -> None:
        breakdown = Breakdown.of(explanation([0.2, 0.001, 0.002]))
        self.assertEqual([bar.kind for bar in breakdown.bars], ["film", "you", "rating", "others"])

    def test_it_draws_to_both_sides_of_one_axis_within_the_picture(self) -> None:
        breakdown = Breakdown.of(explanation([0.3, -0.9]))
        for bar in breakdown.bars:
            self.assertGreaterEqual(bar.x, 0)
            self.assertLessEqual(bar.x + bar.width, 100.01)
            edge = bar.x + bar.width if bar.is_negative else bar.x
            self.assertAlmostEqual(edge, breakdown.axis, delta=0.02)

    def test_it_works_for_somebody_without_ratings(self) -> None:
        breakdown = Breakdown.of(explanation([], film=0.0, you=0.0))
        self.assertEqual([bar.width for bar in breakdown.bars], [0.0, 0.0])

    def test_it_shows_the_share_of_a_film_that_is_gone_without_a_link(self) -> None:
        gone = explanation([0.5])
        gone["contributions"][0]["title"] = ""
        bar = Breakdown.of(gone).bars[2]
        self.assertEqual((bar.label, bar.movie_id), ("A film that is gone", None))

    def test_it_has_words_for_every_confidence(self) -> None:
        words = [confidence_in_words(value) for value in (0.95, 0.8, 0.6, 0.3)]
        self.assertEqual(words, ["quite sure", "fairly sure", "not very sure", "guessing"])
