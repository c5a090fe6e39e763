from __future__ import annotations

from django.apps import AppConfig


class CinemaConfig(AppConfig):
    name = "cinema"
    verbose_name = "Films and people"

    def ready(self) -> None:
        from cinema import audit, checks  # noqa: F401 - registers checks, and hears who signs in
