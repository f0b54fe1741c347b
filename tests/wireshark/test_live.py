"""A live capture on loopback, where this machine lets an ordinary user have one."""

import os
import socket
import threading
import time
import unittest

from sandbox import Sandbox

# As root the right to capture is handed on; others must have it already.
CAPTURE = "+net_raw,+net_admin" if os.getuid() == 0 else ""
PORT = 47123


def talk(until):
    """A question and an answer every 20 ms."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", PORT))
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind(("127.0.0.1", PORT + 1))
    while not until.is_set():
        client.sendto(b"q" * 40, ("127.0.0.1", PORT))
        server.sendto(b"a" * 200, ("127.0.0.1", PORT + 1))
        time.sleep(0.02)
    server.close()
    client.close()


class Live(unittest.TestCase):
    def test_packets_are_scored_as_they_come(self):
        sandbox = Sandbox()
        self.addCleanup(sandbox.close)
        listed = sandbox.run("dumpcap", "-D", check=False, capabilities=CAPTURE)
        if " lo" not in listed.stdout:
            self.skipTest(f"no right to capture on lo here: {listed.stderr.strip()[-200:]}")
        until = threading.Event()
        speaker = threading.Thread(target=talk, args=(until,))
        speaker.start()
        try:
            done = sandbox.run(
                "tshark", "-n", "-l", "-i", "lo", "-f", f"udp port {PORT}", "-c", "200", "-a", "duration:60",
                "-T", "fields", "-e", "foreshadow.score", "-e", "foreshadow.seen", "-e", "foreshadow.position",
                capabilities=CAPTURE, check=False, timeout=120,
            )
        finally:
            until.set()
            speaker.join()
        if done.returncode != 0 and "permission" in done.stderr.lower():
            self.skipTest(f"no right to capture on lo here: {done.stderr.strip()[-200:]}")
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        self.assertEqual(len(rows), 200)
        self.assertEqual([int(position) for _, _, position in rows], list(range(200)))
        for number, (score, seen, _) in enumerate(rows):
            self.assertGreaterEqual(float(score), 0)
            self.assertEqual(seen, "orig, 40 bytes" if number % 2 == 0 else "resp, 200 bytes")
