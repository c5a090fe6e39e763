from __future__ import annotations

from django.test import SimpleTestCase

from mlops.torture.sightings import Sightings

LOG = {1: "v1", 2: "v2", 3: "v1"}


class SightingsTestCase(SimpleTestCase):
    def sightings(self, *seen: tuple[float, int, str], flips: dict[int, float]) -> Sightings:
        found = Sightings()
        for asked_at, generation, version in seen:
            found.note(asked_at, generation, version)
        for generation, at in flips.items():
            found.note_flip(generation, at)
        return found

    def test_an_answer_belongs_to_one_version(self) -> None:
        found = self.sightings((0, 1, "v1"), (1, 2, "v1"), (2, 3, "v1"), (3, 4, "v2"), flips={})
        self.assertEqual([one.generation for one in found.mixed(LOG)], [2, 4])

    def test_an_answer_may_be_old_for_two_seconds_and_no_longer(self) -> None:
        found = self.sightings((11.9, 1, "v1"), (12.1, 1, "v1"), (12.1, 2, "v2"), (12.1, 3, "v1"), flips={2: 10.0})
        self.assertEqual([(one.asked_at, one.generation) for one in found.stale()], [(12.1, 1)])

    def test_a_change_counts_from_its_first_acknowledgement(self) -> None:
        found = self.sightings((12.5, 1, "v1"), flips={2: 10.0})
        found.note_flip(2, 12.0)
        self.assertEqual(len(found.stale()), 1)
