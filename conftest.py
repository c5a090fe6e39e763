"""What all tests share: no collected static files, passwords quick to hash, one throttling window."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest
from django.conf import settings
from django.utils import timezone


@pytest.fixture(autouse=True)
def throttle_window() -> Iterator[None]:
    """Holds each test within one throttling window, or a test that begins at :59.9 would see two."""
    with mock.patch("cinema.throttling.current_time", return_value=timezone.now()):
        yield


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore:No directory at")
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
