"""A redis-server of a test's own, which it may stop."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any, ClassVar

import redis
from django.conf import settings
from django.test import override_settings

from cinema import redis_store
from cinema.redis_settings import caches


class RedisServer:
    """Keeps nothing on disk. Raises SkipTest where redis-server is not installed."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise unittest.SkipTest("redis-server is not installed.")
        self._folder = tempfile.TemporaryDirectory()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [
            program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", self._folder.name,
        ]  # fmt: skip
        self.client: Any = redis.Redis.from_url(self.url)

    def start(self) -> None:
        with (Path(self._folder.name) / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.client.ping()
                return
            except redis.RedisError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def freeze(self) -> None:
        """It takes connections and says nothing, as a host that has lost its mind."""
        self._process.send_signal(signal.SIGSTOP)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.stop()
        self.client.close()
        self._folder.cleanup()


class RedisMixin(unittest.TestCase):
    """Tests with a Redis: ``self.server``."""

    server: ClassVar[RedisServer]

    @classmethod
    def setUpClass(cls) -> None:
        server = RedisServer()
        server.start()
        cls.addClassCleanup(server.close)
        cls.server = server
        super().setUpClass()

    def setUp(self) -> None:
        super().setUp()
        self.use(self.server)

    def use(self, server: RedisServer) -> None:
        url = {"REDIS_URL": server.url, "CACHES": caches(server.url, settings.REDIS_PREFIX)}
        self.enterContext(override_settings(**url))
        server.client.flushall()
        self.come_back()
        self.addCleanup(self.come_back)

    @staticmethod
    def come_back() -> None:
        """As if the seconds had passed for which a Redis that failed is left alone."""
        redis_store.forget_failure()
