from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase

APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


class SharingWorkerTestCase(SimpleTestCase):
    """One process with two threads."""

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        Path(folder.name, "small_application.py").write_text(APPLICATION)
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            self.port = listener.getsockname()[1]
            server = subprocess.Popen(
                [
                    sys.executable, "-m", "gunicorn", "small_application", "--pythonpath", folder.name,
                    "--worker-class", "cinema.web_worker.SharingWorker", "--workers", "1", "--threads", "2",
                    "--bind", f"fd://{listener.fileno()}", "--no-control-socket", "--log-level", "warning",
                ],
                cwd=settings.BASE_DIR, pass_fds=[listener.fileno()],
            )  # fmt: skip
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        self.addCleanup(connection.close)
        return connection

    def ask(self, connection: socket.socket, *headers: str) -> str:
        """The head of the answer, in small letters."""
        connection.sendall("\r\n".join(["GET / HTTP/1.1", "Host: localhost", *headers, "", ""]).encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\nok"):
            came = connection.recv(4096)
            self.assertTrue(came, "closed in the middle of an answer")
            answer += came
        return answer.decode().lower()

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
