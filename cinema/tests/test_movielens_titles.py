from __future__ import annotations

import time

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from cinema.importing.titles import split_title


class SplitTitleTests(SimpleTestCase):
    def test_it_puts_the_article_first_and_takes_the_year_off(self):
        for text, title, year in [
            ("Toy Story (1995)", "Toy Story", 1995),
            ("Matrix, The (1999)", "The Matrix", 1999),
            ("Walk in the Clouds, A (1995)", "A Walk in the Clouds", 1995),
            ("Awfully Big Adventure, An (1995)", "An Awfully Big Adventure", 1995),
            ("Misérables, Les (1995)", "Les Misérables", 1995),
            ("Avventura, L' (a.k.a. Adventure, The) (1960)", "L'Avventura (a.k.a. The Adventure)", 1960),
            ("Boot, Das (Boat, The) (1981)", "Das Boot (The Boat)", 1981),
            ("Wings of Desire (Himmel über Berlin, Der) (1987)", "Wings of Desire (Der Himmel über Berlin)", 1987),
            ("Postman, The (Postino, Il) (1994)", "The Postman (Il Postino)", 1994),
            (
                "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
                "The City of Lost Children (La Cité des enfants perdus)",
                1995,
            ),
            (
                "Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)",
                "The Good, the Bad and the Ugly (Il Buono, il brutto, il cattivo)",
                1966,
            ),
            ("Human Centipede II (Full Sequence), The (2011)", "The Human Centipede II (Full Sequence)", 2011),
            (
                "Librarian, The: The Curse of the Judas Chalice (2008)",
                "The Librarian: The Curse of the Judas Chalice",
                2008,
            ),
        ]:
            with self.subTest(text):
                self.assertEqual(split_title(text), (title, year))

    def test_it_leaves_commas_alone_that_move_no_article(self):
        for title in [
            "I, Robot",
            "Paris, Texas",
            "Monsters, Inc.",
            "Oh, God!",
            "Lust, Caution (Se, jie)",
            "Strike! (a.k.a. All I Wanna Do, The Hairy Bird)",
            "Bicycle, Spoon, Apple (Bicicleta, cullera, poma)",
        ]:
            with self.subTest(title):
                self.assertEqual(split_title(f"{title} (2004)"), (title, 2004))

    def test_it_reads_years_however_they_are_written(self):
        for text, title, year in [
            ("Runaway Brain (1995) ", "Runaway Brain", 1995),
            ("Fawlty Towers (1975-1979)", "Fawlty Towers", 1975),
            ("Death Note: Desu nôto (2006–2007)", "Death Note: Desu nôto", 2006),
            ("Big Bang Theory, The (2007– )", "The Big Bang Theory", 2007),
            ("Big Bang Theory, The (2007-)", "The Big Bang Theory", 2007),
            ("Land Before Time III, The (1995) (V)", "The Land Before Time III", 1995),
            ("1984 (1956)", "1984", 1956),
            ("(500) Days of Summer (2009)", "(500) Days of Summer", 2009),
            ("2001: A Space Odyssey (1968)", "2001: A Space Odyssey", 1968),
            ("Death Race 2000 (1975)", "Death Race 2000", 1975),
        ]:
            with self.subTest(text):
                self.assertEqual(split_title(text), (title, year))

    def test_it_finds_no_year_where_there_is_none(self):
        for title in ["Babylon 5", "2012", "Death Race 2000", "Room (237)", "Far Future (9999)", "Zero (0000)"]:
            with self.subTest(title):
                self.assertEqual(split_title(title), (title, None))

    def test_it_has_a_name_for_a_film_without_one(self):
        self.assertEqual(split_title("", untitled="Untitled film 7"), ("Untitled film 7", None))
        self.assertEqual(split_title(" \x00\t ", untitled="Untitled film 7"), ("Untitled film 7", None))
        self.assertEqual(split_title(" (1995)", untitled="Untitled film 7"), ("Untitled film 7", 1995))

    def test_it_drops_control_characters_and_keeps_everything_else(self):
        self.assertEqual(split_title("A\x00B\x1b[2J\r\nC <b>🎬</b> שלום (1999)"), ("A B [2J C <b>🎬</b> שלום", 1999))

    def test_a_hostile_title_takes_no_time(self):
        for piece in ["(", "(a", "(a, The", ", The", "(a)", "(2000 ", "a, The(", "((a)", " (", "(a.k.a. "]:
            with self.subTest(piece):
                started = time.perf_counter()
                split_title(piece * (65_536 // len(piece)))
                self.assertLess(time.perf_counter() - started, 1)

    @given(st.text())
    def test_any_text_becomes_one_printable_line(self, text):
        title, year = split_title(text)
        self.assertTrue(title)
        self.assertEqual(title.splitlines(), [title])
        self.assertNotIn("\x00", title)
        self.assertTrue(year is None or 1870 <= year < 2200)
