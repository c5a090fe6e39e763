"""The whole site on one machine: web server and worker as child processes, watched, restarted, never orphaned."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection

import psutil
from django.conf import settings

from cinema.processes import dying_with
from mlops.site_lock import Part

STOP_SECONDS = 12.0
# A child that dies is started again after this long, and twice as long each further time, up to a minute.
RESTART_SECONDS = 1.0
RESTART_SECONDS_MAX = 60.0
# A child that has lived this long may die again without being taken for one that cannot live.
SETTLED_SECONDS = 60.0

Say = Callable[[str], None]


class PortTaken(Exception):
    """Another program listens there."""


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name may begin with 127. as well
        return False


def probe_port(host: str, port: int) -> None:
    """Raises PortTaken unless ``host:port`` can be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As gunicorn does: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(f"{host}:{port} cannot be used ({error.strerror}).") from error


def web_server_command(bind: str, workers: int) -> list[str]:
    return [
        sys.executable, "-m", "gunicorn", "cinema.wsgi",
        "--worker-class", "cinema.web_worker.SharingWorker", "--workers", str(workers), "--threads", "4",
        "--bind", bind, "--timeout", "30", "--graceful-timeout", "10",
        "--no-control-socket", "--log-level", "warning",
    ]  # fmt: skip


@dataclass
class Child:
    """One long-running process of the site, in a session of its own."""

    name: str
    argv: list[str]
    death_signal: int  # what the system sends it when we are killed
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    retry_at: float = 0.0
    delay: float = RESTART_SECONDS

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.argv,
            stdin=subprocess.DEVNULL,
            cwd=settings.BASE_DIR,
            start_new_session=True,
            preexec_fn=dying_with(os.getpid(), self.death_signal),
        )
        self.started = time.monotonic()

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        if self.process is not None and self.alive:
            self.process.send_signal(number)

    def descendants(self) -> list[psutil.Process]:
        if self.process is None:
            return []
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


class Site:
    """The web server and the worker, or ``only`` one of them."""

    def __init__(self, *, host: str, port: int, workers: int, say: Say, only: Part | None = None) -> None:
        self.host, self.port = host, port
        self._say = say
        bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        manage = str(settings.BASE_DIR / "manage.py")
        parts: dict[Part, Child] = {
            "web": Child("web server", web_server_command(bind, workers), signal.SIGTERM),
            # Killed outright: the cluster's own processes follow it, and the training follows them.
            "worker": Child("worker", [sys.executable, manage, "qcluster"], signal.SIGKILL),
        }
        self.children = list(parts.values()) if only is None else [parts[only]]

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{'localhost' if is_loopback(self.host) and ':' not in self.host else host}:{self.port}"

    def start(self) -> None:
        for child in self.children:
            child.start()

    def answers(self) -> bool:
        """Whether the web server says that it is alive."""
        loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # compared with, not bound to  # nosec B104
        host = loopback.get(self.host, self.host)
        connection = HTTPConnection(host, self.port, timeout=2)
        try:
            connection.request("GET", "/healthz", headers={"Host": _probe_host()})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def watch(self) -> None:
        """Starts again what has died; to be called every now and then."""
        now = time.monotonic()
        for child in self.children:
            if child.alive:
                if now - child.started > SETTLED_SECONDS:
                    child.delay = RESTART_SECONDS
                continue
            if not child.retry_at:
                code = child.process.returncode if child.process else None
                self._say(f"The {child.name} has ended (code {code}). Starting it again in {child.delay:.0f} s.")
                child.retry_at = now + child.delay
                child.delay = min(RESTART_SECONDS_MAX, 2 * child.delay)
            elif now >= child.retry_at:
                try:
                    child.start()
                except (OSError, subprocess.SubprocessError) as error:
                    # The system may have run out of processes or memory, but not for ever.
                    self._say(f"The {child.name} could not be started: {error}. Trying again in {child.delay:.0f} s.")
                    child.retry_at = now + child.delay
                    child.delay = min(RESTART_SECONDS_MAX, 2 * child.delay)
                else:
                    child.retry_at = 0.0

    def end_hung(self, hangs: Callable[[int], bool]) -> None:
        """Kills the worker if ``hangs`` says so of its process id; watch() starts it again."""
        for child in self.children:
            if child.name == "worker" and child.process is not None and child.alive and hangs(child.process.pid):
                self._say(f"The {child.name} hangs and is killed.")
                child.signal(signal.SIGKILL)

    def stop(self, *, hurry: Callable[[], bool]) -> None:
        """Ends everything: politely, then with force after STOP_SECONDS or as soon as ``hurry`` says so."""
        descendants = [process for child in self.children for process in child.descendants()]
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(child.alive for child in self.children) and time.monotonic() < deadline and not hurry():
            for child in self.children:
                if child.process is not None:
                    try:
                        child.process.wait(0.1)
                    except subprocess.TimeoutExpired:
                        continue
        for child in self.children:
            if child.process is not None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()
        # Whatever left its group, a training for one, is ended by name.
        _, left = psutil.wait_procs(descendants, timeout=1)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=5)


def _probe_host() -> str:
    """A Host header that the site accepts."""
    return next((host.lstrip(".") for host in settings.ALLOWED_HOSTS if host != "*"), "localhost")
