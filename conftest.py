"""What all tests share: no collected static files, passwords quick to hash, one throttling window, the same cases.

Hypothesis draws the same cases in every run, so that a failure belongs to a change. To look for new ones:
``pytest --hypothesis-profile hunt -k …``; what it finds becomes an ``@example`` or a test of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import TransactionTestCase
from django.test.testcases import QuietWSGIRequestHandler
from django.utils import timezone
from hypothesis import settings as hypothesis_settings

hypothesis_settings.register_profile("same", derandomize=True, deadline=None)
hypothesis_settings.register_profile("hunt", max_examples=2_000, deadline=None)
hypothesis_settings.load_profile("same")


@pytest.fixture(autouse=True)
def throttle_window() -> Iterator[None]:
    """Holds each test within one throttling window, or a test that begins at :59.9 would see two."""
    with mock.patch("cinema.throttling.current_time", return_value=timezone.now()):
        yield


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """No test sees what another one left in the process's memory, or in Redis."""
    from cinema import figure_cache  # not before Django is set up
    from recommender import catalogue, remembered

    cache.clear()
    figure_cache.forget()
    catalogue.forget()
    remembered.forget()


@pytest.fixture(autouse=True)
def exchanged_at_once() -> Iterator[None]:
    """What was activated answers the next request, as it does everywhere after two seconds."""
    with mock.patch("recommender.serving.PATIENCE_SECONDS", 0.0):
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--on-database",
        action="store_true",
        help="only what talks to the database in this very process: what may differ on another one",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--on-database"):
        return
    kept = [item for item in items if _talks_to_the_database(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def _talks_to_the_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("hosts"):
        return True
    if item.get_closest_marker("browser") or item.get_closest_marker("cluster"):
        return False  # those start a site of their own, on a file
    test_class = getattr(item, "cls", None)
    in_a_case = isinstance(test_class, type) and issubclass(test_class, TransactionTestCase)
    return in_a_case or item.get_closest_marker("django_db") is not None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore:No directory at")
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    # Or each answer waits 40 ms for its own second packet.
    QuietWSGIRequestHandler.disable_nagle_algorithm = True
    # No thread that writes to the database while tests run; they flush by hand.
    settings.SERVING_FLUSH_SECONDS = 0
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
