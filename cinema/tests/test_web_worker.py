from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase

# Asked for /PORT, it answers when whoever listens there closes the connection that it makes.
APPLICATION = """
import socket

def application(environ, start_response):
    port = environ["PATH_INFO"].strip("/")
    if port:
        with socket.create_connection(("127.0.0.1", int(port)), timeout=30) as held:
            held.recv(1)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


class WebServerTestCase(SimpleTestCase):
    processes, threads = 1, 2

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        Path(folder.name, "small_application.py").write_text(APPLICATION)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            self.port = listener.getsockname()[1]
            self.server = subprocess.Popen(
                [
                    sys.executable, "-m", "gunicorn", "small_application", "--pythonpath", folder.name,
                    "--worker-class", "cinema.web_worker.SharingWorker", "--workers", str(self.processes),
                    "--threads", str(self.threads), "--bind", f"fd://{listener.fileno()}", "--no-control-socket",
                    "--log-level", "warning",
                ],
                cwd=settings.BASE_DIR, pass_fds=[listener.fileno()],
            )  # fmt: skip
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.terminate)

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.addCleanup(connection.close)
        return connection

    def say(self, connection: socket.socket, *headers: str, path: str = "/") -> None:
        connection.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode())

    def hear(self, connection: socket.socket) -> str:
        """The head of the answer, in small letters."""
        answer = b""
        while not answer.endswith(b"\r\n\r\nok"):
            came = connection.recv(4096)
            self.assertTrue(came, "closed in the middle of an answer")
            answer += came
        return answer.decode().lower()

    def ask(self, connection: socket.socket, *headers: str) -> str:
        self.say(connection, *headers)
        return self.hear(connection)

    @contextmanager
    def thread_held(self) -> Iterator[None]:
        """A request that takes one thread for as long as this lasts, and is answered then."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            held = self.connect()
            self.say(held, path=f"/{listener.getsockname()[1]}")
            listener.settimeout(30)
            until_released, _ = listener.accept()
            with until_released:
                yield
        self.hear(held)


class SharingWorkerTestCase(WebServerTestCase):
    def test_it_keeps_as_many_connections_as_it_has_threads(self) -> None:
        few = [self.connect() for _ in range(2)]
        for _ in range(3):
            for connection in few:
                self.assertNotIn("connection: close", self.ask(connection))

    def test_it_answers_on_one_too_many_and_closes_it(self) -> None:
        many = [self.connect() for _ in range(4)]
        closed = [connection for connection in many if "connection: close" in self.ask(connection)]
        self.assertGreaterEqual(len(closed), 2)
        for connection in closed:
            self.assertEqual(connection.recv(1), b"")

    def test_a_client_that_does_not_close_holds_nobody_up(self) -> None:
        slow = self.connect()
        self.assertIn("connection: close", self.ask(slow, "Connection: close"))
        began = time.monotonic()
        self.ask(self.connect())
        self.assertLess(time.monotonic() - began, 1.5, "as long as gunicorn lingers")
        self.assertEqual(slow.recv(1), b"")


class SilentClientTestCase(WebServerTestCase):
    threads = 1

    def test_whoever_connects_and_says_nothing_takes_nobody_s_time(self) -> None:
        silent = [self.connect() for _ in range(4)]
        began = time.monotonic()
        self.ask(self.connect())
        self.assertLess(time.monotonic() - began, 4, "as long as gunicorn lets one of them have a thread")
        for connection in silent:
            self.ask(connection)


class BusyProcessTestCase(WebServerTestCase):
    processes, threads = 2, 1

    def test_a_process_without_a_free_thread_leaves_new_connections_to_the_others(self) -> None:
        with self.thread_held():
            for _ in range(8):
                with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
                    self.ask(connection)


class EndingProcessTestCase(WebServerTestCase):
    threads = 1

    def test_whoever_asked_before_it_was_told_to_end_is_answered(self) -> None:
        with self.thread_held():
            waiting = [self.connect() for _ in range(3)]
            for connection in waiting:
                self.say(connection)
            self.server.terminate()
            with self.assertRaises(subprocess.TimeoutExpired):
                self.server.wait(0.5)
        for connection in waiting:
            self.hear(connection)
        self.assertEqual(self.server.wait(30), 0)
