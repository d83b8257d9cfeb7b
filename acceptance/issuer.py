"""Plays issuers of secrets, on this machine only: a server for --verify-at that answers as well or as badly as it is told.

    with Issuers(lambda asked: OK if asked.secret == GOOD else NO) as issuers:
        scan("--verify-secrets", "--verify-at", issuers.url, folder)
    assert issuers.asked[0].host == "huggingface.co"

An answer is a status, (status, body), or one of the misbehaviours below.
"""

from __future__ import annotations

import http.server
import threading
from dataclasses import dataclass

HANG, GARBAGE, CLOSE, HUGE, SLOW, ELSEWHERE = "hang", "garbage", "close", "huge", "slow", "elsewhere"
PATIENCE = 60  # seconds that a hanging answer hangs, unless the server ends


@dataclass
class Asked:
    method: str
    host: str  #: whom the question is for
    path: str
    headers: dict
    body: bytes

    @property
    def bearer(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


class Issuers:
    def __init__(self, answer):
        self.asked: list[Asked] = []
        self.elsewhere: list[str] = []  #: what came to where a redirect points
        self.most_at_once = 0
        self._answer, self._inside, self._lock, self._over = answer, 0, threading.Lock(), threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(issuers):  # noqa: N805  (`self` is the handler's)
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                with issuers._lock:
                    issuers._inside += 1
                    issuers.most_at_once = max(issuers.most_at_once, issuers._inside)
                try:
                    issuers._play(self)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # who asked has had enough
                finally:
                    with issuers._lock:
                        issuers._inside -= 1

            do_POST = do_GET

            def log_message(self, *_):
                pass
        return Handler

    def _play(self, handler):
        if handler.path.startswith("/elsewhere"):
            self.elsewhere.append(handler.path)
            return send(handler, 200)
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        asked = Asked(handler.command, handler.headers["Host"], handler.path, dict(handler.headers), body)
        with self._lock:
            self.asked.append(asked)
        answer = self._answer(asked)
        if answer == HANG:
            self._over.wait(PATIENCE)
        elif answer == GARBAGE:
            handler.wfile.write(b"\x00\xff\r\n\r\nHTTP? " * 50)
        elif answer == HUGE:
            send(handler, 200, b"x" * (32 << 20))
        elif answer == SLOW:
            drip(handler, self._over)
        elif answer == ELSEWHERE:
            send(handler, 302, headers={"Location": self.url + "/elsewhere"})
        elif answer != CLOSE:
            send(handler, *(answer if isinstance(answer, tuple) else (answer,)))
        handler.close_connection = True


def send(handler, status, body=b"", headers=None):
    handler.send_response(status)
    for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def drip(handler, over):
    """A byte now and then, for as long as anybody waits."""
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000:
        handler.wfile.write(bytes((byte,)))
        if over.wait(0.1):
            return
