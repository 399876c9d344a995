#!/usr/bin/env python3
"""An agent of obeya: work orders come in as lines of JSON, and results go out the same way.

`work` is yours to write, and `heard` if the agent has topics; the rest speaks the protocol. What is printed to standard
error is kept in the log of the run: `obeya agent logs NAME`.
"""

import json
import sys
import threading
import traceback


class Cancelled(Exception):
    """The order was taken back: stop here."""


def work(order, prompt, progress):
    """Does one order and returns what came of it.

    `progress(note)` says how it gets on, which renews the lease, and raises Cancelled once the order is taken back.
    A result is "done" (with a note, and as "sku" what was delivered), "failed" or "blocked" (with a note that says why).
    """
    progress(f"reading {order['id']}")
    # Your work goes here.
    return {"result": "done", "note": f"read: {order.get('title', '')}"}


def heard(message):
    """Takes a message of a topic, or of the agent's inbox."""
    print("heard:", message.get("body"), file=sys.stderr)


class Job(threading.Thread):
    """One order at work, beside the conversation."""

    def __init__(self, message, say):
        super().__init__(daemon=True)
        self.message, self.say = message, say
        self.cancelled = threading.Event()

    def progress(self, note):
        if self.cancelled.is_set():
            raise Cancelled()
        self.say({"type": "progress", "note": note})

    def run(self):
        order_id = self.message["id"]
        try:
            result = work(self.message.get("order") or {"id": order_id}, self.message.get("prompt", ""), self.progress)
        except Cancelled:
            result = {"result": "failed", "note": "cancelled"}
        except Exception as error:  # Whatever goes wrong is said, its trace goes to the log, and the agent lives on.
            traceback.print_exc()
            result = {"result": "failed", "note": f"{type(error).__name__}: {error}"}
        self.say({"type": "result", "id": order_id, **result})


def serve(lines, say):
    """Holds the conversation until the host ends it."""
    say({"type": "hello"})
    job = None
    for line in lines:
        try:
            message = json.loads(line)
        except ValueError:
            continue
        kind = message.get("type") if isinstance(message, dict) else None
        if kind == "execute":
            job = Job(message, say)
            job.start()
        elif kind == "cancel" and job and job.message.get("id") == message.get("id"):
            job.cancelled.set()
        elif kind == "message":
            heard(message)
            say({"type": "ack", "message": message.get("message")})
    # The host is gone, or wants this to end.
    if job:
        job.cancelled.set()


def speaker(out):
    """Returns what writes one line at a time, whichever thread calls it."""
    lock = threading.Lock()

    def say(message):
        with lock:
            out.write(json.dumps(message) + "\n")
            out.flush()

    return say


if __name__ == "__main__":
    serve(sys.stdin, speaker(sys.stdout))
