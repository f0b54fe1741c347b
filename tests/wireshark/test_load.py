"""The plugin as Wireshark's programs see it: listed, documented, quiet, off when it is switched off."""

import os
import re
import subprocess
import unittest

from sandbox import FIELDS, OPTIONS, ROOT, Sandbox


class Load(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.capture = cls.sandbox.cut(ROOT / "tests/data/demo.pcap", 3000)

    @classmethod
    def tearDownClass(cls):
        cls.sandbox.close()

    def test_it_is_listed_and_nothing_is_complained_of(self):
        done = self.sandbox.tshark("-G", "plugins")
        self.assertRegex(done.stdout, r"foreshadow\.so\s+\d+\.\d+\.\d+\s+dissector")
        self.assertEqual(done.stderr, "")

    def test_it_is_one_file_that_needs_nothing_of_ours_beside_it(self):
        plugin = next((OPTIONS.plugins / self.sandbox.minor()).glob("epan/*.so"))
        self.assertEqual([plugin], list(plugin.parent.iterdir()))
        needed = subprocess.run(["readelf", "-d", plugin], capture_output=True, text=True).stdout
        self.assertNotIn("libforeshadow", needed)
        self.assertNotIn("RUNPATH", needed)

    def test_every_field_is_registered_as_the_list_says(self):
        listed = {}
        for line in self.sandbox.tshark("-G", "fields").stdout.splitlines():
            cells = line.split("\t")
            if cells[0] == "F" and cells[4] == "foreshadow":
                listed[cells[2]] = (cells[1], cells[3], cells[7])
        infos = {name for name in listed if name.startswith("foreshadow.expert.")}
        self.assertEqual(set(listed) - infos, set(FIELDS))
        self.assertEqual(len(infos), 7)
        text = (ROOT / "c-shim/wireshark/fields.def").read_text()
        for line in re.findall(r'^FIELD\((.*)\)$', text, re.M):
            _, name, kind, title, meaning = re.fullmatch(
                r'(\w+), "([^"]*)", (\w+), "([^"]*)", "([^"]*)"', line
            ).groups()
            self.assertEqual(listed[name], (title, f"FT_{kind}", meaning))

    def test_preferences_are_there_with_their_defaults(self):
        text = self.sandbox.tshark("-G", "defaultprefs").stdout
        for name, value in (("config", ""), ("model", ""), ("one_in", "0"), ("explain", "TRUE"),
                            ("info_column", "FALSE")):
            self.assertRegex(text, rf"(?m)^#foreshadow\.{name}:\s*{value}$")

    def test_the_info_column_is_left_alone_unless_asked(self):
        plain = self.sandbox.tshark("-r", self.capture, "--disable-protocol", "foreshadow").stdout
        self.assertEqual(self.sandbox.tshark("-r", self.capture).stdout, plain)
        asked = self.sandbox.tshark("-r", self.capture, "-o", "foreshadow.info_column:TRUE").stdout
        self.assertIn("missing before]", asked)

    def test_without_what_was_expected_anomalies_alone_have_it(self):
        config = self.sandbox.write("half.toml", "score.false_alarms_per_million = 100000\nscore.warm_up = 0\n")
        rows = self.sandbox.fields(
            self.capture, ["foreshadow.anomalous", "foreshadow.expected.side", "foreshadow.score"],
            "-o", "foreshadow.explain:FALSE", "-o", f"foreshadow.config:{config}",
        )
        self.assertTrue(any("foreshadow.anomalous" in row for row in rows))
        for row in rows:
            self.assertEqual("foreshadow.anomalous" in row, "foreshadow.expected.side" in row)

    def test_expert_infos_are_told_with_and_without_a_second_pass(self):
        for words in ([], ["-2"]):
            text = self.sandbox.tshark("-q", "-r", self.capture, *words, "-z", "expert,note").stdout
            self.assertRegex(text, r"Notes \(\d+\)")
            self.assertRegex(text, r"Sequence\s+Foreshadow\s+\d+ packets? (is|are) missing before this one")

    def test_statistics_count_each_packet_once(self):
        scored = sum(
            "foreshadow.score" in row for row in self.sandbox.fields(self.capture, ["foreshadow.score"])
        )
        missing = sum(
            int(row["foreshadow.missing"][0])
            for row in self.sandbox.fields(self.capture, ["foreshadow.missing"]) if row
        )
        for words in ([], ["-2"]):
            tree = self.sandbox.tshark("-q", "-r", self.capture, *words, "-z", "foreshadow,tree").stdout
            self.assertRegex(tree, rf"(?m)^\s*scored\s+{scored}\s")
            self.assertRegex(tree, rf"(?m)^Missing packets, by kind\s+{missing}\s")
            flows = self.sandbox.tshark("-q", "-r", self.capture, *words, "-z", "foreshadow,flows").stdout
            rows = [line.split("|") for line in flows.splitlines() if " -> " in line]
            self.assertEqual(sum(int(row[3]) for row in rows), scored, flows)
            self.assertEqual(sum(int(row[8]) for row in rows), missing, flows)

    def test_statistics_of_a_filter_count_what_it_leaves(self):
        flows = self.sandbox.tshark(
            "-q", "-r", self.capture, "-z", "foreshadow,flows,foreshadow.stream == 0"
        ).stdout
        self.assertEqual(sum(" -> " in line for line in flows.splitlines()), 1, flows)

    def test_json_for_elasticsearch_has_no_key_twice(self):
        import json

        def once(pairs):
            keys = [key for key, _ in pairs]
            assert len(keys) == len(set(keys)), keys
            return dict(pairs)

        text = self.sandbox.tshark("-r", self.capture, "-T", "ek", "-J", "foreshadow").stdout
        for line in text.splitlines():
            json.loads(line, object_pairs_hook=once)

    def test_a_version_that_it_was_not_built_for_says_so_and_goes_on(self):
        other = Sandbox(with_plugin=False)
        self.addCleanup(other.close)
        folder = other.home / ".local/lib/wireshark/plugins" / other.minor() / "epan"
        folder.mkdir(parents=True)
        source = next((OPTIONS.plugins / other.minor()).glob("epan/*.so")).read_bytes()
        # The minor version that it wants stands in the read-only data beside the major one.
        major, minor = (int(part).to_bytes(4, "little") for part in other.minor().split("."))
        symbol = subprocess.run(
            ["nm", "-D", OPTIONS.plugins / other.minor() / "epan/foreshadow.so"], capture_output=True, text=True
        ).stdout
        at = int(re.search(r"([0-9a-f]+) R plugin_want_minor", symbol)[1], 16)
        self.assertEqual(source[at : at + 4], minor)
        (folder / "foreshadow.so").write_bytes(source[:at] + (9).to_bytes(4, "little") + source[at + 4 :])
        other.hand_over(other.home)
        capture = other.bring(self.capture)
        done = other.tshark("-r", capture)
        self.assertIn("was compiled for Wireshark version", done.stderr)
        self.assertTrue(done.stdout)


@unittest.skipUnless(os.getuid() == 0, "not root: nothing to check")
class AsRoot(unittest.TestCase):
    def test_root_is_told_in_the_guide_that_personal_plugins_are_ignored(self):
        guide = (ROOT / "docs/wireshark.md").read_text()
        self.assertIn("as root", guide.lower())
