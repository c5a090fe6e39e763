from __future__ import annotations

from django.apps import AppConfig


class CinemaConfig(AppConfig):
    name = "cinema"
    verbose_name = "Films and people"

    def ready(self) -> None:
        from cinema import audit, catalogue_edition, checks  # noqa: F401 - they hear what happens
