from __future__ import annotations

import threading

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from mlops.torture.ledger import Ledger

FILM = (1, 10)
tries = st.lists(st.tuples(st.sampled_from([0.5, 3.0, 5.0]), st.sampled_from([201, 0, 503, 429])), max_size=8)


class LedgerTestCase(SimpleTestCase):
    def ledger(self, *made: tuple[float, int]) -> Ledger:
        ledger = Ledger()
        for value, status in made:
            ledger.note(FILM, value, status)
        return ledger

    def test_what_was_acknowledged_must_be_there(self) -> None:
        ledger = self.ledger((4.0, 201))
        self.assertEqual(ledger.judge({FILM: 4.0}).lost, [])
        self.assertEqual(ledger.judge({}).lost, [FILM])
        self.assertEqual(ledger.judge({FILM: 3.0}).lost, [FILM])

    def test_the_last_acknowledged_value_counts(self) -> None:
        ledger = self.ledger((4.0, 201), (2.0, 200))
        self.assertEqual(ledger.judge({FILM: 2.0}).lost, [])
        self.assertEqual(ledger.judge({FILM: 4.0}).lost, [FILM])

    def test_of_an_unanswered_one_nobody_knows(self) -> None:
        ledger = self.ledger((4.0, 201), (1.0, 0), (2.0, 503))
        for value in (4.0, 1.0, 2.0):
            self.assertEqual(ledger.judge({FILM: value}).lost, [])
        self.assertEqual(ledger.judge({}).lost, [FILM])
        self.assertEqual(self.ledger((1.0, 0)).judge({}).lost, [])

    def test_a_refused_one_must_not_be_there(self) -> None:
        ledger = self.ledger((1.0, 429))
        self.assertEqual(ledger.judge({FILM: 1.0}).unasked, [FILM])

    def test_errors_are_told_from_come_again(self) -> None:
        ledger = self.ledger((1.0, 503), (1.0, 500), (1.0, 0), (1.0, 201))
        ledger.note_answer(502)
        ledger.note_answer(404)
        self.assertEqual((ledger.server_errors, ledger.unanswered, ledger.acknowledged), (2, 1, 1))

    def test_many_threads_lose_no_entry(self) -> None:
        ledger = Ledger()

        def write(person: int) -> None:
            for film in range(200):
                ledger.note((person, film), 3.0, 201)

        threads = [threading.Thread(target=write, args=(person,)) for person in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(ledger.acknowledged, 1600)
        self.assertEqual(len(ledger.judge({}).lost), 1600)

    @given(tries)
    def test_a_site_that_keeps_what_it_acknowledges_is_never_blamed(self, made: list[tuple[float, int]]) -> None:
        """Whatever an honest site did with what it did not answer."""
        ledger = self.ledger(*made)
        for writes_unanswered in (True, False):
            kept: dict[tuple[int, int], float] = {}
            for value, status in made:
                if status == 201 or (writes_unanswered and status in (0, 503)):
                    kept[FILM] = value
            found = ledger.judge(kept)
            self.assertEqual((found.lost, found.unasked), ([], []))
