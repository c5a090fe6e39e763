"""What is told of the machine, and what is not."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase

from benchmarks import machine

CPUINFO = """processor\t: 0
model name\t: A Processor of Note
flags\t\t: fpu sse avx avx2 fma
processor\t: 1
model name\t: A Processor of Note
"""


class MachineTestCase(SimpleTestCase):
    def file(self, text: str) -> Path:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "info"
        path.write_text(text)
        return path

    def test_it_reads_the_processor(self) -> None:
        path = self.file(CPUINFO)
        self.assertEqual(machine.processor(path), "A Processor of Note")
        self.assertEqual(machine.widest_vectors(path), "AVX2")

    def test_it_goes_on_where_the_system_tells_nothing(self) -> None:
        nowhere = Path("/nowhere/at/all")
        self.assertTrue(machine.processor(nowhere))
        self.assertEqual(machine.widest_vectors(nowhere), "unknown")
        self.assertEqual(machine.available_bytes(nowhere), 0)

    def test_it_reads_the_memory_in_bytes(self) -> None:
        self.assertEqual(machine.available_bytes(self.file("MemTotal: 9 kB\nMemAvailable:   2048 kB\n")), 2048 * 1024)

    def test_it_names_neither_the_host_nor_a_path(self) -> None:
        told = json.dumps(machine.described())
        if len(platform.node()) > 3:
            self.assertNotIn(platform.node(), told)
        self.assertNotIn(str(settings.BASE_DIR), told)

    def test_it_counts_the_cores_that_may_be_used(self) -> None:
        described = machine.described()
        self.assertEqual(described["cores"], len(os.sched_getaffinity(0)))
        self.assertEqual(described["python"], platform.python_version())
        self.assertIn("numpy", described["libraries"])
