from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import TestCase, TransactionTestCase

from cinema.models import Rating, User
from recommender import registry
from recommender.tests.stored_versions import StoredVersionsMixin, make_catalogue, make_crowd, store_version


class NothingToCopyTestCase(StoredVersionsMixin, TestCase):
    def test_it_says_what_is_missing(self) -> None:
        with self.assertRaisesMessage(CommandError, "a trained version"):
            call_command("benchmark_pages")


@pytest.mark.cluster
class BenchmarkPagesTestCase(StoredVersionsMixin, TransactionTestCase):
    def test_it_times_a_copy_and_leaves_no_trace(self) -> None:
        make_catalogue()
        make_crowd()
        registry.activate(store_version())
        before = (User.objects.count(), Rating.objects.count())
        out = io.StringIO()
        call_command("benchmark_pages", "--ratings", "6", "--rounds", "2", stdout=out)
        self.assertRegex(out.getvalue(), r"home, the whole page +\d+ +\d+ +\d+")
        self.assertRegex(out.getvalue(), r"a rating and the rails that follow +\d+ +\d+ +\d+")
        self.assertEqual((User.objects.count(), Rating.objects.count()), before)
