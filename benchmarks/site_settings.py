"""The site's own settings, with one address more: a view that does nothing but answer."""

from __future__ import annotations

from cinema.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.site_urls"
