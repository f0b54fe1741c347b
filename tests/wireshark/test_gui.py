"""Wireshark itself under Xvfb: the plugin loaded, rows coloured, windows that open, files read anew."""

import unittest

from gui import Gui, missing
from pictures import install
from sandbox import ROOT, Sandbox

# Backgrounds of the profile's rules, as pixels.
ANOMALY, MISSING, SYNTHETIC = "#ffcccc", "#ffffc6", "#e6e6fa"
# More than the marks beside the scroll bar: some rows.
ROWS = 5_000


@unittest.skipIf(missing(), f"no graphical test: {', '.join(missing())} not here")
class Graphical(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox(with_plugin=False)
        cls.sandbox.folder.chmod(0o777)
        install(cls.sandbox)
        cls.demo = cls.sandbox.cut(ROOT / "tests/data/demo.pcap", 3000)
        cls.rebuilt = cls.sandbox.folder / "rebuilt.pcapng"
        cls.sandbox.run(
            cls.sandbox.foreshadow, "run", "--quiet", "--read", cls.demo, "--order", "time",
            "--rebuild", cls.rebuilt, "--out", cls.sandbox.home / "logs",
        )

    @classmethod
    def tearDownClass(cls):
        cls.sandbox.close()

    def start(self, *words):
        gui = Gui(self.sandbox, "-C", "Foreshadow", *words)
        self.addCleanup(gui.close)
        return gui

    def quiet(self, gui):
        said = gui.said()
        for word in ("oreshadow", "issector bug", "CRITICAL", "ERROR"):
            self.assertNotIn(word, said)
        self.assertIsNone(gui.process.poll(), said)

    def test_anomalies_are_coloured_and_nothing_is_where_there_are_none(self):
        gui = self.start("-r", self.demo, "-o", "foreshadow.one_in:100", "-Y", "foreshadow.anomalous")
        gui.wait_for("demo")
        self.assertGreater(gui.pixels(ANOMALY), ROWS)
        gui.close()
        gui = self.start("-r", self.demo, "-o", "foreshadow.one_in:1000000000")
        gui.wait_for("demo")
        self.assertEqual(gui.pixels(ANOMALY), 0)
        self.quiet(gui)

    def test_missing_and_synthetic_packets_are_coloured(self):
        gui = self.start("-r", self.demo, "-Y", "foreshadow.missing")
        gui.wait_for("demo")
        self.assertGreater(gui.pixels(MISSING), ROWS)
        gui.close()
        gui = self.start("-r", self.rebuilt, "-Y", "foreshadow.synthetic")
        gui.wait_for("rebuilt")
        self.assertGreater(gui.pixels(SYNTHETIC), ROWS)
        self.quiet(gui)

    def test_the_statistics_windows_open(self):
        gui = self.start("-r", self.demo, "-z", "foreshadow,flows")
        gui.wait_for("Foreshadow connections")
        gui.close()
        gui = self.start("-r", self.demo)
        gui.wait_for("demo")
        gui.statistics()
        self.quiet(gui)

    def test_reloading_and_ignoring_packets_begin_anew(self):
        gui = self.start("-r", self.demo, "-o", "foreshadow.one_in:100")
        gui.wait_for("demo")
        gui.click(300, 200)
        before = gui.pixels(ANOMALY) + gui.pixels(MISSING)
        gui.keys("ctrl+r")
        gui.settle()
        gui.click(300, 200)
        self.assertEqual(gui.pixels(ANOMALY) + gui.pixels(MISSING), before)
        gui.keys("ctrl+d")
        gui.settle()
        self.quiet(gui)
