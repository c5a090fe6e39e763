"""What compose.yaml and the Dockerfile say, as far as it can be judged without containers."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import yaml
from django.conf import settings
from django.core.management import load_command_class
from django.test import SimpleTestCase

SECRETS = ("SECRET_KEY", "POSTGRES_PASSWORD", "DATABASE_URL")


def up_options(argv: list[str]) -> dict[str, Any]:
    """What ``up`` would understand. Ends the process, and so fails, where it would not."""
    if argv[:3] != ["python", "manage.py", "up"]:
        raise AssertionError(argv)
    return vars(load_command_class("mlops", "up").create_parser("manage.py", "up").parse_args(argv[3:]))


class ComposeTestCase(SimpleTestCase):
    def setUp(self) -> None:
        self.services = yaml.safe_load((settings.BASE_DIR / "compose.yaml").read_text())["services"]
        self.dockerfile = (settings.BASE_DIR / "Dockerfile").read_text()

    def test_each_container_runs_one_part_of_the_site(self) -> None:
        for part in ("web", "worker"):
            self.assertEqual(up_options(self.services[part]["command"])["only"], part)
        self.assertEqual(up_options(self.services["web"]["command"])["host"], "0.0.0.0")

    def test_no_secret_stands_in_it_and_none_may_be_left_away(self) -> None:
        for name, service in self.services.items():
            for variable in SECRETS:
                value = service.get("environment", {}).get(variable)
                if value is not None:
                    with self.subTest(name, variable=variable):
                        self.assertRegex(value, r"\$\{[A-Z_]+:\?")

    def test_every_service_is_started_again_watched_and_given_time_to_stop(self) -> None:
        for name, service in self.services.items():
            with self.subTest(name):
                self.assertEqual(service["restart"], "unless-stopped")
                self.assertIn("test", service["healthcheck"])
                self.assertIn("stop_grace_period", service)
        # `up` takes twelve seconds at most before it kills what is left.
        self.assertGreaterEqual(int(self.services["worker"]["stop_grace_period"].rstrip("s")), 20)

    def test_nothing_but_this_machine_reaches_it_without_a_proxy(self) -> None:
        published = [port for service in self.services.values() for port in service.get("ports", [])]
        self.assertEqual(published, ["127.0.0.1:5000:5000"])

    def test_its_probes_can_be_run(self) -> None:
        compile(self.services["web"]["healthcheck"]["test"][3], "the web server's probe", "exec")
        self.assertTrue(load_command_class("mlops", self.services["worker"]["healthcheck"]["test"][3]))

    def test_the_image_runs_the_site_as_nobody_in_particular(self) -> None:
        command = re.search(r"^CMD (.+)$", self.dockerfile, re.MULTILINE)
        assert command is not None
        self.assertIsNone(up_options(json.loads(command[1]))["only"])
        self.assertLess(self.dockerfile.index("\nUSER cinema"), self.dockerfile.index("\nCMD"))
        self.assertIn("--require-hashes -r requirements.txt", self.dockerfile)

    def test_data_and_secrets_do_not_get_into_the_image(self) -> None:
        ignored = shlex.split((settings.BASE_DIR / ".dockerignore").read_text())
        self.assertLessEqual({"var", ".env", ".git", ".venv"}, set(ignored))
