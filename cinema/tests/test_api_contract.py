"""What the OpenAPI document promises, held against the API: valid and invalid requests drawn by schemathesis.

As nobody, as a viewer and as staff, with the checks of schemathesis.toml. docs/reliability.md has the longer hunt.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from django.conf import settings
from django.test import LiveServerTestCase, override_settings
from knox.models import AuthToken

from cinema.models import Movie, User
from cinema.nights import open_night
from cinema.settings import THROTTLE_RATES
from recommender import registry
from recommender.tests.stored_versions import DRAMA_FAN, StoredVersionsMixin, make_catalogue, rate, store_version

EXAMPLES = 8  # of each operation, beside those that cover every keyword of the schema


@override_settings(THROTTLE_RATES=dict.fromkeys(THROTTLE_RATES, 1_000_000))
class ContractTestCase(StoredVersionsMixin, LiveServerTestCase):
    def setUp(self) -> None:
        super().setUp()
        make_catalogue()
        self.viewer = User.objects.create_user("viewer")
        self.staff = User.objects.create_superuser("grace")
        for user in (self.viewer, self.staff):
            rate(user, DRAMA_FAN)
        for version in (store_version(), store_version()):
            registry.activate(version)
        open_night(host=self.viewer, name="Viewer")
        self.assertTrue(Movie.objects.exists())

    def assert_kept(self, user: User | None) -> None:
        role = [] if user is None else ["-H", f"Authorization: Token {AuthToken.objects.create(user)[1]}"]
        with tempfile.TemporaryDirectory() as folder:
            told = subprocess.run(
                [
                    str(Path(sys.executable).with_name("schemathesis")),
                    "--config-file", str(settings.BASE_DIR / "schemathesis.toml"),
                    "run", f"{self.live_server_url}/api/schema",
                    "--max-examples", str(EXAMPLES), "--seed", "1", "--continue-on-failure", "--no-color", *role,
                ],
                cwd=folder, capture_output=True, text=True,
            )  # fmt: skip
        self.assertEqual(told.returncode, 0, told.stdout[-6000:] + told.stderr)
        self.assertRegex(told.stdout, r"Tested: ([3-9][0-9]|[1-9][0-9]{2,})")

    def test_nobody(self) -> None:
        self.assert_kept(None)

    def test_a_viewer(self) -> None:
        self.assert_kept(self.viewer)

    def test_staff(self) -> None:
        self.assert_kept(self.staff)
