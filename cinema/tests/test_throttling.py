from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from unittest import mock

from django.db import transaction
from django.test import TestCase, override_settings

from cinema.models import ThrottleCount
from cinema.throttling import admission, allow

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(moment: datetime) -> mock._patch:
    return mock.patch("cinema.throttling.current_time", return_value=moment)


@override_settings(REDIS_URL="", THROTTLE_RATES={"rating": 2, "sign-in": 1})
class ThrottlingTestCase(TestCase):
    def test_it_allows_up_to_the_rate_within_a_minute(self) -> None:
        with at(NOON + timedelta(seconds=20)):
            self.assertEqual([allow("rating", "1").allowed for _ in range(4)], [True, True, False, False])

    def test_it_says_when_the_next_attempt_may_succeed(self) -> None:
        with at(NOON + timedelta(seconds=20)):
            self.assertEqual([allow("rating", "1").retry_after for _ in range(3)], [0, 0, 41])

    def test_it_allows_again_in_the_next_minute(self) -> None:
        with at(NOON + timedelta(seconds=59.9)):
            refused = [allow("rating", "1") for _ in range(3)][-1]
        with at(NOON + timedelta(seconds=59.9 + refused.retry_after)):
            self.assertTrue(allow("rating", "1").allowed)

    def test_it_counts_each_key_and_scope_for_itself(self) -> None:
        with at(NOON):
            self.assertTrue(allow("sign-in", "1").allowed)
            self.assertFalse(allow("sign-in", "1").allowed)
            self.assertTrue(allow("sign-in", "2").allowed)
            self.assertTrue(allow("rating", "1").allowed)

    def test_it_counts_what_no_database_could_keep(self) -> None:
        for key in ("a\0b", "\ud800", "é" * 1000):
            with at(NOON):
                self.assertTrue(allow("sign-in", key).allowed)
                self.assertFalse(allow("sign-in", key).allowed)

    def test_a_refused_attempt_that_is_rolled_back_lets_the_next_one_pass_no_more(self) -> None:
        for allowed in (True, True, False, False):
            with at(NOON), suppress(ZeroDivisionError), transaction.atomic():
                verdict = admission("rating", "1")()
                self.assertEqual(verdict.allowed, allowed)
                if not verdict.allowed:
                    raise ZeroDivisionError
        self.assertEqual(ThrottleCount.objects.get().count, 2)

    def test_an_attempt_is_counted_where_it_is_used_and_once(self) -> None:
        with at(NOON):
            first, second = admission("sign-in", "1"), admission("sign-in", "1")
            self.assertTrue(second().allowed)
            self.assertFalse(first().allowed)

    def test_it_keeps_no_old_counts(self) -> None:
        for minute in range(5):
            with at(NOON + timedelta(minutes=minute)):
                allow("rating", "1")
        self.assertEqual(ThrottleCount.objects.count(), 2)
