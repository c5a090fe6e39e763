"""The parts of run.py that can be had without installing anything."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from unittest import mock

from django.conf import settings
from django.test import SimpleTestCase

PATH = settings.BASE_DIR / "run.py"


def load() -> ModuleType:
    spec = spec_from_file_location("run", PATH)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class RunPyTestCase(SimpleTestCase):
    def setUp(self) -> None:
        self.run_py = load()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_it_tells_an_old_python_what_it_needs(self) -> None:
        self.assertIn("3.11 or newer", self.run_py.version_problem((3, 9, 2)))
        self.assertEqual(self.run_py.version_problem((3, 11, 0)), "")
        self.assertEqual(self.run_py.version_problem((3, 13, 1)), "")

    def test_it_can_be_read_by_an_old_python(self) -> None:
        ast.parse(PATH.read_text(), feature_version=(3, 6))

    def test_it_imports_nothing_but_the_standard_library(self) -> None:
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(PATH.read_text()))
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        self.assertLessEqual(names, set(sys.stdlib_module_names))

    def test_it_says_how_to_get_venv(self) -> None:
        with mock.patch.dict(sys.modules, {"ensurepip": None}):
            self.assertIn("python3-venv", self.run_py.venv_problem())
        self.assertEqual(self.run_py.venv_problem(), "")

    def test_it_installs_again_only_when_the_requirements_changed(self) -> None:
        requirements, stamp = self.folder / "requirements.txt", self.folder / "stamp"
        requirements.write_text("django==5.2\n")
        self.assertFalse(self.run_py.installed(str(stamp), [str(requirements)]))
        stamp.write_text(self.run_py.fingerprint([str(requirements)]) + "\n")
        self.assertTrue(self.run_py.installed(str(stamp), [str(requirements)]))
        requirements.write_text("django==5.3\n")
        self.assertFalse(self.run_py.installed(str(stamp), [str(requirements)]))

    def test_it_installs_again_for_another_python(self) -> None:
        requirements = self.folder / "requirements.txt"
        requirements.write_text("django==5.2\n")
        one = self.run_py.fingerprint([str(requirements)])
        with mock.patch.object(sys, "version", "3.99"):
            self.assertNotEqual(self.run_py.fingerprint([str(requirements)]), one)

    def test_it_refuses_a_command_it_does_not_know(self) -> None:
        outcome = subprocess.run([sys.executable, str(PATH), "fly"], capture_output=True, text=True)
        self.assertNotEqual(outcome.returncode, 0)
        self.assertIn("Unknown command 'fly'", outcome.stderr)

    def test_it_says_how_it_is_used(self) -> None:
        outcome = subprocess.run([sys.executable, str(PATH), "--help"], capture_output=True, text=True)
        self.assertEqual(outcome.returncode, 0)
        self.assertIn("python3 run.py test", outcome.stdout)
