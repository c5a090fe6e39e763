"""A load generator: so many clients that each send their next request when the last one is answered.

One thread on raw sockets, with connections kept open as long as the server keeps them; it spends about thirty
microseconds on a request, so that on two cores the server is what is measured.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_LAST = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
ANSWER_SECONDS = 30.0
SENT_AGAIN = 3  # times at most, where a connection was closed without a word
_CLOSED = -1


class NoAnswer(Exception):
    """The server closed a connection in the middle, or said nothing for ANSWER_SECONDS."""


@dataclass(frozen=True, eq=False)
class Load:
    """What came back."""

    seconds: float  # from the first request to the last answer
    latencies: NDArray[np.float64]  # seconds, one for each request
    statuses: dict[int, int]  # how often each was answered

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def milliseconds(self, percentile: float) -> float:
        return float(np.percentile(self.latencies, percentile)) * 1000


@dataclass
class _Client:
    connection: socket.socket
    sent_at: float = 0.0
    request: bytes = b""
    received: bytes = b""
    sent_again: int = 0
    closed: bool = False  # the server said that the answer was its last one
    times: list[float] = field(default_factory=list)


def request(method: str, path: str, *, token: str = "", body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    if token:
        lines.append(f"Authorization: Token {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def send(port: int, requests: Iterable[bytes], *, clients: int) -> Load:
    """All ``requests`` to a server on loopback, by so many clients. Raises NoAnswer."""
    left = iter(requests)
    statuses: dict[int, int] = {}
    everybody = [_Client(socket.create_connection(("127.0.0.1", port))) for _ in range(clients)]
    with selectors.DefaultSelector() as selector:
        try:
            for client in everybody:
                client.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(client.connection, selectors.EVENT_READ, client)
            started = time.perf_counter()
            waiting = 0
            for client, first in zip(everybody, left, strict=False):
                _ask(client, first, port, selector)
                waiting += 1
            while waiting:
                ready = selector.select(ANSWER_SECONDS)
                if not ready:
                    raise NoAnswer(f"No answer for {ANSWER_SECONDS:.0f} s.")
                for key, _ in ready:
                    client = key.data
                    status = _receive(client)
                    if status == _CLOSED:
                        _connect_again(client, port, selector)
                        client.sent_again += 1
                        client.connection.sendall(client.request)
                    elif status:
                        statuses[status] = statuses.get(status, 0) + 1
                        wanted = next(left, None)
                        if wanted is None:
                            waiting -= 1
                            selector.unregister(client.connection)
                        else:
                            _ask(client, wanted, port, selector)
            ended = time.perf_counter()
        finally:
            for client in everybody:
                client.connection.close()
    latencies = np.array([seconds for client in everybody for seconds in client.times])
    return Load(ended - started, latencies, statuses)


def _ask(client: _Client, wanted: bytes, port: int, selector: selectors.BaseSelector) -> None:
    client.request, client.sent_again = wanted, 0
    client.sent_at = time.perf_counter()
    if client.closed:
        _connect_again(client, port, selector)
    client.received = b""
    client.connection.sendall(wanted)


def _connect_again(client: _Client, port: int, selector: selectors.BaseSelector) -> None:
    """A server may close a connection with an answer, or while it holds it for idle and a request is on its way, which
    browsers then send again. The time goes on."""
    selector.unregister(client.connection)
    client.connection.close()
    client.connection = socket.create_connection(("127.0.0.1", port))
    client.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    selector.register(client.connection, selectors.EVENT_READ, client)
    client.closed, client.received = False, b""


def _receive(client: _Client) -> int:
    """The status, once the answer is whole; 0 before; _CLOSED if the request may be sent again."""
    try:
        came = client.connection.recv(65536)
    except ConnectionResetError:
        came = b""
    if not came and not client.received and client.sent_again < SENT_AGAIN:
        return _CLOSED
    if not came:
        raise NoAnswer("The server closed a connection before its answer was whole.")
    client.received += came
    head, found, body = client.received.partition(b"\r\n\r\n")
    if not found:
        return 0
    length = _LENGTH.search(head)
    if length is None:
        raise NoAnswer("An answer says nothing of its length.")
    if len(body) < int(length[1]):
        return 0
    client.times.append(time.perf_counter() - client.sent_at)
    client.closed = _LAST.search(head) is not None
    return int(head.split(b" ", 2)[1])
