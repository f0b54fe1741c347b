"""The extcap helper: listed at once, configured by its contract, the rebuilt stream as it comes."""

import os
import signal
import subprocess
import threading
import time
import unittest

from sandbox import OPTIONS, ROOT, Sandbox


class Extcap(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Without the plugin: the stream needs none.
        cls.sandbox = Sandbox(with_plugin=False)
        cls.capture = cls.sandbox.cut(ROOT / "tests/data/demo.pcap", 3000)
        cls.folder = cls.sandbox.home / ".config/wireshark/extcap"
        cls.sandbox.run(ROOT / "c-shim/wireshark/install", OPTIONS.plugins, cls.sandbox.foreshadow)
        cls.helper = next(path for path in cls.sandbox.home.rglob("extcap/foreshadow"))
        for plugin in cls.sandbox.home.rglob("foreshadow.so"):
            plugin.unlink()

    @classmethod
    def tearDownClass(cls):
        cls.sandbox.close()

    def test_wireshark_lists_both_interfaces(self):
        listed = self.sandbox.tshark("-D", check=False).stdout
        self.assertIn("foreshadow_file (Foreshadow: file)", listed)
        self.assertIn("foreshadow_live (Foreshadow: live)", listed)

    def test_the_listing_reads_and_writes_nothing_else(self):
        best = min(self.listing() for _ in range(5))
        print(f"extcap listing: {best * 1000:.1f} ms, best of 5", flush=True)
        done = self.sandbox.run(self.helper, "--extcap-interfaces", "--extcap-version=4.0")
        self.assertEqual(done.stderr, "")
        self.assertEqual(len(done.stdout.splitlines()), 3)

    def listing(self):
        start = time.monotonic()
        self.sandbox.run(self.helper, "--extcap-interfaces", "--extcap-version=4.0")
        return time.monotonic() - start

    def test_link_types_and_settings_follow_the_contract(self):
        for name in ("foreshadow_file", "foreshadow_live"):
            listed = self.sandbox.tshark("-i", name, "-L", check=False)
            self.assertIn("EN10MB", listed.stdout + listed.stderr)
            text = self.sandbox.run(self.helper, "--extcap-interface", name, "--extcap-config").stdout
            self.assertRegex(text, r"\{call=--source\}.*\{required=true\}")
        self.assertIn("expected one of", self.sandbox.run(
            self.helper, "--extcap-interface", "eth0", "--extcap-dlts", check=False).stderr)

    def stream(self, *words, interface="foreshadow_file", fields=("frame.interface_name", "frame.comment"), **more):
        wanted = [word for field in fields for word in ("-e", field)]
        return self.sandbox.tshark("-i", interface, *words, "-T", "fields", *wanted, check=False, **more)

    def test_a_file_comes_as_the_rebuilt_stream(self):
        done = self.stream("-o", f"extcap.foreshadow_file.source:{self.capture}")
        rows = done.stdout.splitlines()
        self.assertGreater(len(rows), 3000, done.stderr)
        ours = [row for row in rows if row.startswith("foreshadow\t")]
        self.assertEqual(len(rows) - len(ours), 3000)
        self.assertTrue(all("foreshadow:synthetic v=1" in row for row in ours) and ours)

    def test_stop_ends_it_and_it_can_be_saved(self):
        self.sandbox.folder.chmod(0o777)
        saved = self.sandbox.folder / "saved.pcapng"
        done = self.sandbox.tshark("-i", "foreshadow_file", "-o", f"extcap.foreshadow_file.source:{self.capture}",
                                   "-c", "40", "-w", saved, check=False)
        self.assertEqual(len(self.sandbox.fields(saved, ["frame.number"])), 40, done.stderr)

    def test_what_is_missing_or_unknown_is_one_clear_message(self):
        for interface, words, part in (
            ("foreshadow_file", [], "no capture is set"),
            ("foreshadow_file", ["-o", "extcap.foreshadow_file.source:/nowhere.pcap"], "/nowhere.pcap"),
            ("foreshadow_live", [], "no network interface is set"),
            ("foreshadow_live", ["-o", "extcap.foreshadow_live.source:nothere0"], "nothere0"),
            ("foreshadow_file", ["-o", f"extcap.foreshadow_file.source:{self.capture}",
                                 "-o", "extcap.foreshadow_file.settings:no.such=1"], "no.such"),
        ):
            done = self.stream(*words, interface=interface, timeout=60)
            self.assertEqual(done.stdout, "")
            self.assertIn(part, done.stderr, words)
            self.assertNotIn("panicked", done.stderr)

    def test_it_ends_by_itself_when_nobody_reads_or_it_is_told_to(self):
        for how in ("reader goes", "told"):
            fifo = self.sandbox.folder / f"fifo-{how[:4]}"
            os.mkfifo(fifo)
            fifo.chmod(0o666)
            # A capture that never ends: a pipe that nobody closes.
            source = self.sandbox.folder / f"source-{how[:4]}"
            os.mkfifo(source)
            source.chmod(0o666)
            process = subprocess.Popen(
                self.sandbox.command(self.helper, "--capture", "--extcap-interface", "foreshadow_file", "--fifo",
                                     fifo, "--source", source),
                env=self.sandbox.environment(), stderr=subprocess.PIPE, text=True,
            )
            going = threading.Event()
            writer = threading.Thread(target=self.feed, args=(source, going))
            writer.start()
            with open(fifo, "rb") as reader:
                self.assertEqual(reader.read(4), b"\x0a\x0d\x0d\x0a")
                if how == "told":
                    process.send_signal(signal.SIGTERM)
                    reader.read()
            said = process.communicate(timeout=60)[1]
            going.set()
            writer.join(timeout=60)
            self.assertEqual((process.returncode, said), (0, ""), how)

    def feed(self, source, going):
        """Writes the capture over and over, a packet at a time, until nobody reads it."""
        data = self.capture.read_bytes()
        try:
            with open(source, "wb", buffering=0) as pipe:
                pipe.write(data[:24])
                while not going.is_set():
                    pipe.write(data[24:])
        except BrokenPipeError:
            pass
