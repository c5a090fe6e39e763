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
        source = PATH.read_bytes()
        ast.parse(source, feature_version=(3, 4))
        # Python 2 takes a file for ASCII that does not say otherwise in its first two lines.
        self.assertIn(b"coding: utf-8", b"".join(source.splitlines()[:2]))

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

    def prepared(self) -> tuple[Path, mock.Mock]:
        """An environment as if it had been installed, and what stands in for pip."""
        venv = self.folder / ".venv"
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").symlink_to(sys.executable)
        requirements = self.folder / "requirements.txt"
        requirements.write_text("django==5.2\n")
        pip = mock.Mock()
        patch = mock.patch.multiple(
            self.run_py,
            VENV=str(venv),
            STAMP=str(venv / "installed.txt"),
            REQUIREMENTS=str(requirements),
            pip_install=pip,
            say=mock.Mock(),
        )
        patch.start()
        self.addCleanup(patch.stop)
        self.run_py.stamp(self.run_py.fingerprint([str(requirements)]))
        return venv, pip

    def test_it_leaves_an_environment_that_is_whole(self) -> None:
        _, pip = self.prepared()
        self.run_py.install([self.run_py.REQUIREMENTS])
        pip.assert_not_called()

    def test_it_makes_an_environment_anew_whose_python_has_gone(self) -> None:
        venv, pip = self.prepared()
        (venv / "bin" / "python").unlink()
        (venv / "bin" / "python").symlink_to(self.folder / "removed" / "python")
        with mock.patch("venv.EnvBuilder.create") as create:
            create.side_effect = lambda folder: Path(folder).mkdir()
            self.run_py.install([self.run_py.REQUIREMENTS])
        create.assert_called_once_with(str(venv))
        pip.assert_called_once()

    def test_it_makes_an_environment_anew_that_was_not_finished(self) -> None:
        venv, pip = self.prepared()
        (venv / "installed.txt").unlink()
        with mock.patch("venv.EnvBuilder.create") as create:
            create.side_effect = lambda folder: Path(folder).mkdir()
            self.run_py.install([self.run_py.REQUIREMENTS])
        pip.assert_called_once()

    def bench_requirements(self) -> None:
        """Two packages to compare with, the second one for another Python."""
        path = self.folder / "requirements-bench.txt"
        path.write_text(
            "# how it was made\none==1.0 \\\n    --hash=sha256:aa\n    # via two\ntwo==2.0 \\\n    --hash=sha256:bb\n"
        )
        patch = mock.patch.object(self.run_py, "REQUIREMENTS_BENCH", str(path))
        patch.start()
        self.addCleanup(patch.stop)

    def test_it_takes_a_pinned_file_apart(self) -> None:
        self.bench_requirements()
        blocks = self.run_py.blocks_of(self.run_py.REQUIREMENTS_BENCH)
        self.assertEqual([name for name, _ in blocks], ["one==1.0", "two==2.0"])
        self.assertEqual(blocks[1][1], "two==2.0 \\\n    --hash=sha256:bb\n")

    def test_it_installs_what_to_compare_with_once(self) -> None:
        self.prepared()
        self.bench_requirements()
        with mock.patch.object(self.run_py, "pip", return_value=mock.Mock(returncode=0)) as pip:
            self.run_py.install_bench()
            self.run_py.install_bench()
        pip.assert_called_once_with(["-r", self.run_py.REQUIREMENTS_BENCH])

    def test_it_goes_on_without_a_package_that_does_not_install(self) -> None:
        self.prepared()
        self.bench_requirements()
        asked: list[str] = []

        def pip(arguments: list[str]) -> mock.Mock:
            asked.append(Path(arguments[-1]).read_text())
            return mock.Mock(returncode=int("two==2.0" in asked[-1]))

        with mock.patch.object(self.run_py, "pip", side_effect=pip):
            self.run_py.install_bench()
        self.assertEqual([text.splitlines()[0] for text in asked[1:]], ["one==1.0 \\", "two==2.0 \\"])
        said = " ".join(call.args[0] for call in self.run_py.say.call_args_list)
        self.assertIn("two==2.0 could not be installed", said)
        self.assertNotIn("one==1.0 could not", said)

    def test_it_hands_its_arguments_to_the_benchmark(self) -> None:
        with (
            mock.patch.object(self.run_py, "install_bench") as install,
            mock.patch.object(self.run_py.os, "execve", side_effect=SystemExit) as execve,
            mock.patch.dict(self.run_py.os.environ, {"CINEMA_VAR": "/somewhere"}, clear=True),
            self.assertRaises(SystemExit),
        ):
            self.run_py.main(["bench", "quality", "--data", "ml-1m=films", "--fresh"])
        install.assert_called_once_with()
        program, arguments, environment = execve.call_args.args
        self.assertEqual(program, self.run_py.python_of(self.run_py.VENV))
        self.assertEqual(arguments[-4:], ["recommender.benchmarks.quality", "--data", "ml-1m=films", "--fresh"])
        self.assertEqual(environment["OPENBLAS_NUM_THREADS"], "1")
        self.assertEqual(environment["NUMBA_CACHE_DIR"], "/somewhere/numba")

    def test_without_a_name_it_measures_speed(self) -> None:
        for arguments in ([], ["--quick"]):
            with (
                self.subTest(arguments),
                mock.patch.object(self.run_py, "install_bench"),
                mock.patch.object(self.run_py.os, "execve", side_effect=SystemExit) as execve,
                mock.patch.dict(self.run_py.os.environ, {"OPENBLAS_CORETYPE": "PRESCOTT"}),
                self.assertRaises(SystemExit),
            ):
                self.run_py.main(["bench", *arguments])
            _, command, environment = execve.call_args.args
            self.assertEqual(command[2:], ["-m", "benchmarks.suite", *arguments])
            self.assertNotIn("OPENBLAS_CORETYPE", environment)

    def test_it_asks_what_to_benchmark(self) -> None:
        with self.assertRaisesRegex(SystemExit, "What to benchmark: speed, quality"):
            self.run_py.main(["bench", "beauty"])

    def test_it_refuses_a_command_it_does_not_know(self) -> None:
        outcome = subprocess.run([sys.executable, str(PATH), "fly"], capture_output=True, text=True)
        self.assertNotEqual(outcome.returncode, 0)
        self.assertIn("Unknown command 'fly'", outcome.stderr)

    def test_it_says_how_it_is_used(self) -> None:
        outcome = subprocess.run([sys.executable, str(PATH), "--help"], capture_output=True, text=True)
        self.assertEqual(outcome.returncode, 0)
        self.assertIn("python3 run.py test", outcome.stdout)
