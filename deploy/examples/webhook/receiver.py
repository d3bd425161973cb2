"""A receiver of pushworker's webhooks for Python, without dependencies: it checks the
signature and the time, and prints each receipt once. docs/webhook.md describes
requests and answers.

    WEBHOOK_SECRET=whsec_… PORT=9081 python3 receiver.py
"""

import base64
import collections
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_"))
MAX_BODY = 1 << 20
TOLERANCE = 5 * 60  # seconds
REMEMBERED = 10_000

# ids of the last receipts; a real receiver keeps them in its database
seen: "collections.OrderedDict[str, None]" = collections.OrderedDict()
lock = threading.Lock()


def signed(headers, body: bytes) -> bool:
    ident, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not ident or not stamp.isdigit() or abs(time.time() - int(stamp)) > TOLERANCE:
        return False
    want = hmac.new(SECRET, f"{ident}.{stamp}.".encode() + body, hashlib.sha256).digest()
    for signature in headers.get("webhook-signature", "").split():
        version, _, encoded = signature.partition(",")
        try:
            got = base64.b64decode(encoded, validate=True)
        except ValueError:
            continue
        if version == "v1" and hmac.compare_digest(got, want):
            return True
    return False


def deliver(event: dict):
    """Your own code goes here. What it returns is the answer's JSON, or None if all is
    delivered; if it raises, the receipt comes again."""
    receipt = event["data"]["receipt"]
    print(json.dumps({
        "type": event["type"], "users": list(receipt["to"] or {}), "channel": receipt["channel"],
        "topic": receipt["payload"]["topic"], "seq": receipt["payload"]["seq"],
    }), flush=True)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, value=None) -> None:
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def do_POST(self) -> None:
        size = int(self.headers.get("content-length", "0"))
        if size > MAX_BODY:
            self.close_connection = True
            return self.answer(413)
        body = self.rfile.read(size)
        if not signed(self.headers, body):
            return self.answer(401)
        ident = self.headers["webhook-id"]
        try:
            event = json.loads(body)
            with lock:
                if ident in seen or event["type"] == "push.test":
                    return self.answer(204)
            rest = deliver(event)
        except Exception as fault:  # whatever it is, the receipt must come again
            print(fault, file=sys.stderr, flush=True)
            return self.answer(500)
        if rest is not None:
            return self.answer(200, rest)
        with lock:
            seen[ident] = None
            if len(seen) > REMEMBERED:
                seen.popitem(last=False)
        return self.answer(204)

    def log_message(self, *_) -> None:
        """Each request is no line of its own."""


if __name__ == "__main__":
    if len(SECRET) < 24:
        sys.exit("set WEBHOOK_SECRET to the secret of the handler, whsec_…")
    server = ThreadingHTTPServer((os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "9081"))), Receiver)
    print("receiving at http://%s:%d/" % server.server_address[:2], file=sys.stderr, flush=True)
    server.serve_forever()
