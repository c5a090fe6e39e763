from __future__ import annotations

import os
import threading
from unittest import mock

from django.test import SimpleTestCase, override_settings

from mlops.background_writing import BackgroundWriter


class Notebook:
    def __init__(self, *, fails: bool = False) -> None:
        self.notes: list[str] = []
        self.written: list[str] = []
        self.came = threading.Event()
        self.fails = fails

    def flush(self) -> int:
        if self.fails:
            raise RuntimeError("unforeseen")
        self.written += self.notes
        self.notes.clear()
        self.came.set()
        return 0

    def forget(self) -> None:
        self.notes.clear()


class BackgroundWriterTestCase(SimpleTestCase):
    def setUp(self) -> None:
        super().setUp()
        for name in ("mlops.background_writing.close_old_connections", "mlops.background_writing.atexit.register"):
            patch = mock.patch(name)
            patch.start()
            self.addCleanup(patch.stop)

    def begun(self, *notebooks: Notebook) -> BackgroundWriter:
        writer = BackgroundWriter(*notebooks)
        self.addCleanup(writer.end)
        writer.begin()
        return writer

    def test_what_is_kept_is_written_by_itself(self) -> None:
        notebook = Notebook()
        notebook.notes.append("a list")
        with override_settings(SERVING_FLUSH_SECONDS=0.01):
            self.begun(notebook)
            self.assertTrue(notebook.came.wait(10))
        self.assertEqual(notebook.written, ["a list"])

    def test_one_that_fails_does_not_keep_the_others_from_being_written(self) -> None:
        good = Notebook()
        with self.assertLogs("mlops.background_writing", "ERROR"), override_settings(SERVING_FLUSH_SECONDS=0.01):
            self.begun(Notebook(fails=True), good)
            self.assertTrue(good.came.wait(10))
            good.came.clear()
            self.assertTrue(good.came.wait(10), "the thread goes on")

    def test_a_forked_process_does_not_write_again_what_its_parent_keeps(self) -> None:
        notebook = Notebook()
        writer = self.begun(notebook)
        notebook.notes.append("the parent's")
        writer.begin()
        self.assertEqual(notebook.notes, ["the parent's"])
        with mock.patch("mlops.background_writing.os.getpid", return_value=os.getpid() + 1):
            writer.begin()
        self.assertEqual(notebook.notes, [])

    def test_the_last_words_are_written_when_a_process_ends(self) -> None:
        notebook = Notebook()
        patch = mock.patch("mlops.background_writing.atexit.register")
        with override_settings(SERVING_FLUSH_SECONDS=3600), patch as register:
            self.begun(notebook)
        notebook.notes.append("a list")
        register.call_args.args[0]()
        self.assertEqual(notebook.written, ["a list"])
