from __future__ import annotations

from django.test import SimpleTestCase

from recommender.per_version import MAX_VERSIONS, PerVersion


class PerVersionTestCase(SimpleTestCase):
    def test_several_versions_are_remembered_side_by_side(self) -> None:
        remembered: PerVersion[int] = PerVersion()
        remembered.set("v1", 1)
        remembered.set("v2", 2)
        self.assertEqual([remembered.get(label) for label in ("v1", "v2", "v3")], [1, 2, None])

    def test_the_one_that_was_set_longest_ago_goes(self) -> None:
        remembered: PerVersion[int] = PerVersion()
        for number in range(MAX_VERSIONS):
            remembered.set(f"v{number}", number)
        remembered.set("v0", 100)
        remembered.set("another", 7)
        self.assertEqual((remembered.get("v0"), remembered.get("v1"), remembered.get("another")), (100, None, 7))
