"""Which film a title and a year mean."""

from __future__ import annotations

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from cinema.importing.matching import Found, TitleIndex

FILMS: list[tuple[int, str, int | None]] = [
    (1, "The Matrix", 1999),
    (2, "Amélie (Le Fabuleux destin d'Amélie Poulain)", 2001),
    (3, "Hamlet", 1996),
    (4, "Hamlet", 1996),
    (5, "Hamlet", 2000),
    (6, "Se7en (a.k.a. Seven)", 1995),
    (7, "WALL·E", 2008),
    (8, "Die Hard", 1988),
    (9, "Hard", 1988),
    (10, "Kill Bill (Part 1)", 2003),
    (11, "Dune (Part 1)", 2003),
    (12, "Fast & Furious", 2009),
    (13, "Ocean's Eleven", 2001),
    (14, "Undated", None),
    (15, "L'Avventura (The Adventure)", 1960),
    (16, "!!!", 2004),
]


class MatchingTestCase(SimpleTestCase):
    index = TitleIndex(FILMS)

    def check(self, cases: list[tuple[str, int | None, Found, tuple[int, ...]]]) -> None:
        for title, year, found, movie_ids in cases:
            with self.subTest(title):
                match = self.index.find([title], year)
                self.assertEqual((match.found, match.movie_ids), (found, movie_ids))

    def test_equal_titles_and_years_match(self) -> None:
        self.check(
            [
                ("Matrix, The", 1999, Found.MATCHED, (1,)),
                ("the  MATRIX!", 1999, Found.MATCHED, (1,)),
                ("Matrix", 1999, Found.MATCHED, (1,)),
                ("Amelie", 2001, Found.MATCHED, (2,)),
                ("Le fabuleux destin d’Amélie Poulain", 2001, Found.MATCHED, (2,)),
                ("Seven", 1995, Found.MATCHED, (6,)),
                ("Seven (Se7en)", 1995, Found.MATCHED, (6,)),
                ("WALL-E", 2008, Found.MATCHED, (7,)),
                ("Fast and Furious", 2009, Found.MATCHED, (12,)),
                ("Oceans Eleven", 2001, Found.MATCHED, (13,)),
                ("The Adventure", 1960, Found.MATCHED, (15,)),
                ("L’avventura", 1960, Found.MATCHED, (15,)),
                ("!!!", 2004, Found.MATCHED, (16,)),
            ]
        )

    def test_the_same_words_go_before_a_left_out_article(self) -> None:
        self.check([("Die Hard", 1988, Found.MATCHED, (8,)), ("Hard", 1988, Found.MATCHED, (9,))])

    def test_a_year_beside_it_is_probable(self) -> None:
        self.check([("The Matrix", 2000, Found.PROBABLE, (1,)), ("The Matrix", 2001, Found.MISSING, ())])

    def test_an_unknown_year_is_probable(self) -> None:
        self.check([("Undated", 1980, Found.PROBABLE, (14,)), ("The Matrix", None, Found.PROBABLE, (1,))])

    def test_several_are_ambiguous(self) -> None:
        self.check(
            [
                ("Hamlet", 1996, Found.AMBIGUOUS, (3, 4)),
                ("Hamlet", None, Found.AMBIGUOUS, (3, 4, 5)),
                ("Hamlet", 2001, Found.PROBABLE, (5,)),
            ]
        )

    def test_what_stands_in_many_brackets_is_no_name(self) -> None:
        self.check([("Something (Part 1)", 2003, Found.MISSING, ()), ("Dune", 2003, Found.MATCHED, (11,))])

    def test_the_original_title_helps_where_the_other_finds_nothing(self) -> None:
        self.assertEqual(self.index.find(["Fabelhafte Welt", "Amélie"], 2001).movie_ids, (2,))
        self.assertEqual(self.index.find(["Die Hard", "Hard"], 1988).movie_ids, (8,))

    @given(st.text(min_size=1), st.integers(1900, 2100))
    def test_every_title_finds_itself(self, title: str, year: int) -> None:
        match = TitleIndex([(1, title, year)]).find([title], year)
        self.assertEqual((match.found, match.movie_ids), (Found.MATCHED, (1,)))
