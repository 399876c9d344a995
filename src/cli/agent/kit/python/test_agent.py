"""Talks to the agent as obeya does: python3 -m unittest"""

import contextlib
import io
import json
import pathlib
import queue
import subprocess
import sys
import threading
import unittest

import agent

PROGRAM = pathlib.Path(__file__).with_name("agent.py")


class TheProgram(unittest.TestCase):
    def setUp(self):
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        # What hangs is a failure, not a wait.
        self.watchdog = threading.Timer(20, self.process.kill)
        self.watchdog.start()

    def tearDown(self):
        self.watchdog.cancel()
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()

    def say(self, **message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def hear(self, kind):
        for line in self.process.stdout:
            message = json.loads(line)
            if message["type"] == kind:
                return message
        self.fail(f"it ended before it said {kind}")

    def test_it_works_on_one_order_after_another_and_ends_with_its_input(self):
        self.say(type="hello", protocol=1, agent="test")
        self.hear("hello")
        self.say(type="something new")
        for order_id in ["WO-001", "WO-002"]:
            self.say(type="execute", id=order_id, epoch=1, prompt="do it", order={"id": order_id, "title": "Try"})
            self.hear("progress")
            result = self.hear("result")
            self.assertEqual((result["id"], result["result"]), (order_id, "done"))
        self.process.stdin.close()
        self.assertEqual(self.process.wait(10), 0)

    def test_it_acknowledges_messages(self):
        self.say(type="message", message=7, address="work_order_events", body="news")
        self.assertEqual(self.hear("ack")["message"], 7)


class Cancelling(unittest.TestCase):
    def test_an_order_that_is_taken_back_is_left_alone(self):
        def endless(order, prompt, progress):
            while True:
                progress("on and on")

        said, usual = queue.Queue(), agent.work
        self.addCleanup(setattr, agent, "work", usual)
        agent.work = endless

        def until(kind):
            while said.get(timeout=10)["type"] != kind:
                pass

        def lines():
            yield '{"type": "execute", "id": "WO-001"}'
            until("progress")
            yield '{"type": "cancel", "id": "WO-001", "reason": "taken back"}'
            until("result")

        agent.serve(lines(), said.put)


class Failing(unittest.TestCase):
    def test_what_goes_wrong_is_said_and_its_trace_is_kept_in_the_log(self):
        def broken(order, prompt, progress):
            raise RuntimeError("no such file")

        said, usual = queue.Queue(), agent.work
        self.addCleanup(setattr, agent, "work", usual)
        agent.work = broken

        def lines():
            yield '{"type": "execute", "id": "WO-001"}'
            while (message := said.get(timeout=10))["type"] != "result":
                pass
            self.assertEqual(message["note"], "RuntimeError: no such file")

        with contextlib.redirect_stderr(io.StringIO()) as log:
            agent.serve(lines(), said.put)
        self.assertIn("in broken", log.getvalue())


if __name__ == "__main__":
    unittest.main()
