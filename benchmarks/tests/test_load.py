"""The load generator, against a tiny server on loopback."""

from __future__ import annotations

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.test import SimpleTestCase

from benchmarks.load import NoAnswer, request, send


class Tiny(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, str, bytes]] = []

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, self.headers.get("Authorization", ""), body))
        if self.path == "/hang-up":
            self.close_connection = True
            return
        answer = b"x" * (100_000 if self.path == "/long" else 10)
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is told."""


class LoadTestCase(SimpleTestCase):
    def setUp(self) -> None:
        Tiny.seen.clear()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Tiny)
        self.port: int = self.server.server_address[1]
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def test_every_request_is_sent_once_and_its_answer_counted(self) -> None:
        load = send(self.port, [request("GET", f"/{n}") for n in range(40)], clients=4)
        self.assertEqual(Counter(path for _, path, _, _ in Tiny.seen), Counter(f"/{n}" for n in range(40)))
        self.assertEqual(load.statuses, {200: 40})
        self.assertEqual(len(load.latencies), 40)
        self.assertGreater(load.latencies.min(), 0)
        self.assertLessEqual(load.milliseconds(50), load.milliseconds(99))
        self.assertAlmostEqual(load.per_second, 40 / load.seconds)

    def test_it_tells_statuses_apart(self) -> None:
        load = send(self.port, [request("GET", "/"), request("GET", "/missing")], clients=1)
        self.assertEqual(load.statuses, {200: 1, 404: 1})

    def test_it_waits_for_the_whole_of_a_long_answer(self) -> None:
        load = send(self.port, [request("GET", "/long")] * 3, clients=2)
        self.assertEqual(load.statuses, {200: 3})

    def test_it_sends_tokens_and_bodies(self) -> None:
        send(self.port, [request("PUT", "/7", token="abc", body=b'{"value": 4.0}')], clients=1)
        self.assertEqual(Tiny.seen, [("PUT", "/7", "Token abc", b'{"value": 4.0}')])

    def test_more_clients_than_requests_do_no_harm(self) -> None:
        self.assertEqual(send(self.port, [request("GET", "/")], clients=5).statuses, {200: 1})

    def test_a_server_that_hangs_up_is_no_answer(self) -> None:
        with self.assertRaises(NoAnswer):
            send(self.port, [request("GET", "/hang-up")], clients=1)
