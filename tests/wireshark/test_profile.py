"""The profile: columns, colour rules and buttons that Wireshark takes, with the plugin and without."""

import re
import subprocess
import unittest

from sandbox import OPTIONS, ROOT, Sandbox


class Profile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox(with_plugin=False)
        cls.capture = cls.sandbox.cut(ROOT / "tests/data/demo.pcap", 3000)
        done = cls.sandbox.run(ROOT / "c-shim/wireshark/install", OPTIONS.plugins, cls.sandbox.foreshadow)
        cls.said = done.stdout
        cls.sandbox.folder.chmod(0o777)

    @classmethod
    def tearDownClass(cls):
        cls.sandbox.close()

    def test_it_is_installed_for_a_user_and_can_be_taken_away(self):
        for what in ("plugin", "profile", "extcap"):
            self.assertRegex(self.said, rf"(?m)^{what} ")
        self.assertIn("foreshadow.so", self.sandbox.tshark("-G", "plugins").stdout)
        other = Sandbox(with_plugin=False)
        self.addCleanup(other.close)
        other.run(ROOT / "c-shim/wireshark/install", OPTIONS.plugins, other.foreshadow)
        # What somebody changed stays beside the new one.
        changed = other.home / ".config/wireshark/profiles/Foreshadow/colorfilters"
        changed.write_text("# mine\n")
        other.run(ROOT / "c-shim/wireshark/install", OPTIONS.plugins, other.foreshadow)
        self.assertEqual((changed.parent / "colorfilters.old").read_text(), "# mine\n")
        other.run(ROOT / "c-shim/wireshark/install", "--remove")
        self.assertNotIn("foreshadow.so", other.tshark("-G", "plugins").stdout)
        self.assertEqual([path for path in other.home.rglob("*oreshadow*")], [])

    def test_colours_tell_anomalies_and_missing_packets(self):
        config = self.sandbox.write("some.toml", "score.false_alarms_per_million = 20000\nscore.warm_up = 100\n")
        fields = ["frame.coloring_rule.name", "foreshadow.anomalous", "foreshadow.missing", "foreshadow.alarm",
                  "foreshadow.heartbeat"]
        rows = self.sandbox.fields(
            self.capture, fields, "-C", "Foreshadow", "--color", "-o", f"foreshadow.config:{config}"
        )
        seen = set()
        for row in rows:
            rule = row.get("frame.coloring_rule.name", [""])[0]
            seen.add(rule)
            self.assertEqual("foreshadow.anomalous" in row, rule == "Foreshadow anomaly", row)
        self.assertLessEqual({"Foreshadow anomaly", "Foreshadow missing"}, seen)

    def test_columns_are_shown(self):
        done = self.sandbox.tshark("-C", "Foreshadow", "-r", self.capture, "-c", "50")
        self.assertEqual(done.stderr, "")
        self.assertRegex(done.stdout, r"orig \(\d+ %\), ACK")

    def test_every_button_is_a_filter_that_wireshark_takes(self):
        text = (ROOT / "c-shim/wireshark/profile/dfilter_buttons").read_text()
        filters = re.findall(r'^"TRUE","[^"]+","([^"]+)"', text, re.M)
        self.assertGreaterEqual(len(filters), 5)
        menu = (ROOT / "c-shim/wireshark/menu.c").read_text()
        filters += re.findall(r'\{"[^"]+", "[^"]+", "([^"]+)"\}', menu)
        self.assertGreaterEqual(len(filters), 11)
        for each in filters:
            self.sandbox.tshark("-r", self.capture, "-c", "1", "-Y", each.replace("\\x22", '"'))

    def test_without_the_plugin_the_rest_of_it_works(self):
        rebuilt = self.sandbox.folder / "rebuilt.pcapng"
        self.sandbox.run(self.sandbox.foreshadow, "run", "--quiet", "--read", self.capture, "--rebuild", rebuilt,
                         "--order", "time", "--out", self.sandbox.home / "logs")
        other = Sandbox(with_plugin=False)
        self.addCleanup(other.close)
        place = other.home / ".config/wireshark/profiles"
        subprocess.run(["mkdir", "-p", place], check=True)
        subprocess.run(["cp", "-r", ROOT / "c-shim/wireshark/profile", place / "Foreshadow"], check=True)
        other.hand_over(other.home)
        capture = other.bring(rebuilt)
        rows = other.fields(capture, ["frame.interface_name", "frame.coloring_rule.name"], "-C", "Foreshadow", "--color")
        ours = [row for row in rows if row.get("frame.interface_name") == ["foreshadow"]]
        self.assertTrue(ours)
        self.assertEqual({row["frame.coloring_rule.name"][0] for row in ours}, {"Foreshadow synthetic"})
