from __future__ import annotations

from typing import Any
from unittest import TestCase

from cinema.what_if import MAX_SENTENCES, WhatIf, what_if


def named(movie_id: int, predicted_rating: float, rank: int) -> dict[str, Any]:
    without = {"predicted_rating": predicted_rating, "rank": rank}
    return {"movie_id": movie_id, "title": f"Film {movie_id}", "your_rating": 5.0, "without_it": without}


def explanation(*, reasons: list[dict[str, Any]], order: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "predicted_rating": 4.0,
        "reasons": [{"type": "genre_match"}, {"type": "similar_movies", "movies": reasons}],
        "order": {"rank": 7, "movies": order},
    }


def ids(told: WhatIf) -> list[int]:
    return [film["movie_id"] for film in told.films]


class WhatIfTestCase(TestCase):
    def test_it_tells_each_film_once(self) -> None:
        told = what_if(explanation(reasons=[named(1, 3.9, 41)], order=[named(1, 3.9, 41), named(2, 4.0, 8)]))
        self.assertEqual([(ids(one), one.stars, one.rank) for one in told], [([1], "3.9", 41), ([2], "4.0", 8)])

    def test_it_tells_first_what_moves_the_film_furthest(self) -> None:
        films = [named(1, 3.9, 7), named(2, 3.5, 7)], [named(3, 4, 9), named(4, 4, 3)]
        told = what_if(explanation(reasons=films[0], order=films[1]))
        self.assertEqual([ids(one) for one in told], [[4], [3], [2], [1]])

    def test_it_tells_together_what_comes_to_the_same(self) -> None:
        films = [named(1, 3.9, 7), named(2, 3.88, 7), named(3, 3.9, 8)]
        told = what_if(explanation(reasons=films, order=[]))
        self.assertEqual([ids(one) for one in told], [[3], [1, 2]])

    def test_it_calls_the_same_what_looks_the_same(self) -> None:
        other, same = what_if(explanation(reasons=[named(1, 4.04, 7), named(2, 3.94, 7)], order=[]))
        self.assertEqual((same.same_stars, same.same_rank), (True, True))
        self.assertEqual((other.same_stars, other.same_rank), (False, True))

    def test_it_stops_before_it_tires(self) -> None:
        told = what_if(explanation(reasons=[named(n, 3.0, 9 + n) for n in range(9)], order=[]))
        self.assertEqual([ids(one) for one in told], [[8], [7], [6], [5], [4]])
        self.assertEqual(len(told), MAX_SENTENCES)

    def test_it_has_nothing_to_tell_of_a_film_without_a_place(self) -> None:
        nowhere = explanation(reasons=[], order=[])
        nowhere["order"]["rank"] = None
        self.assertEqual(what_if(nowhere), [])
