"""Files that Foreshadow rebuilt, and configurations and models that cannot be used."""

import unittest

from sandbox import AT_ONCE, ROOT, Sandbox

MARKS = [f"foreshadow.synthetic{part}" for part in ("", ".kind", ".why", ".id", ".uid", ".confidence", ".outcome")]


class Rebuilt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.capture = cls.sandbox.cut(ROOT / "tests/data/demo.pcap", 3000)
        cls.sandbox.folder.chmod(0o777)
        cls.rebuilt = cls.sandbox.folder / "rebuilt.pcapng"
        cls.sandbox.run(
            cls.sandbox.foreshadow, "run", "--quiet", "--read", cls.capture, "--order", "time",
            "--rebuild", cls.rebuilt, "--out", cls.sandbox.home / "logs", "--format", "json",
        )

    @classmethod
    def tearDownClass(cls):
        cls.sandbox.close()

    def test_synthetic_packets_are_shown_and_not_fed(self):
        fields = ["frame.time_epoch", "frame.interface_name", "frame.comment", *MARKS, *AT_ONCE]
        rows = self.sandbox.fields(self.rebuilt, list(dict.fromkeys(fields)))
        ours = [row for row in rows if "foreshadow.synthetic" in row]
        real = [row for row in rows if "foreshadow.synthetic" not in row]
        self.assertTrue(ours)
        for row in ours:
            self.assertEqual(row["frame.interface_name"], ["foreshadow"])
            self.assertNotIn("foreshadow.score", row)
            # tshark prints the end of the first line as \\n.
            line = row["frame.comment"][0].replace("\\n", "\n").split("\n")[0]
            comment = dict(word.split("=", 1) for word in line.split()[1:])
            for word in ("kind", "id", "uid"):
                self.assertEqual(row[f"foreshadow.synthetic.{word}"], [comment[word]])
            self.assertEqual(float(row["foreshadow.synthetic.confidence"][0]), float(comment["conf"]))
            outcome = [comment["outcome"]] if "outcome" in comment else None
            self.assertEqual(row.get("foreshadow.synthetic.outcome"), outcome)
        # The captured ones are what they were without the synthetic ones between them.
        plain = self.sandbox.fields(self.capture, ["frame.time_epoch", *AT_ONCE])
        links = {"foreshadow.prev_frame", "foreshadow.settled.frame"}  # frames are numbered otherwise

        def without(row):
            return {key: value for key, value in row.items() if key.startswith("foreshadow.") and key not in links}

        self.assertEqual([without(row) for row in real], [without(row) for row in plain])

    def test_a_comment_is_enough_and_any_other_comment_is_not(self):
        import struct

        def option(code, value):
            return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)

        def block(kind, body):
            size = len(body) + 12
            return struct.pack("<II", kind, size) + body + struct.pack("<I", size)

        section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
        interface = block(1, struct.pack("<HHI", 1, 0, 0))
        frame = bytes.fromhex("0200000000010200000000020800450000200000000040110000c0000201c00002021389003500 0c0000".replace(" ", "")) + b"abcd"
        data = section + interface
        comments = [b"foreshadow:synthetic", b"foreshadow:synthetic v=1 kind=gap id=x conf= uid=" + b"U" * 99 + b" outcome=\xff\xfe",
                    b"foreshadow:synthetic v=1 kind=overdue id=18446744073709551615 conf=1e400\nmore", b"something else",
                    b"not foreshadow:synthetic", b""]
        for number, comment in enumerate(comments):
            body = struct.pack("<IIIII", 0, 0, number, len(frame), len(frame)) + frame + bytes(-len(frame) % 4)
            data += block(6, body + option(1, comment) + option(0, b""))
        path = self.sandbox.folder / "comments.pcapng"
        path.write_bytes(data)
        rows = self.sandbox.fields(path, ["frame.number", "foreshadow.score", *MARKS])
        self.assertEqual(["foreshadow.synthetic" in row for row in rows], [True] * 3 + [False] * 3)
        self.assertEqual(["foreshadow.score" in row for row in rows], [False] * 3 + [True] * 3)
        self.assertEqual(rows[2]["foreshadow.synthetic.id"], ["18446744073709551615"])

    def test_the_statistics_say_how_many_a_file_holds(self):
        count = len(self.sandbox.fields(self.rebuilt, ["frame.number"], "-Y", "foreshadow.synthetic"))
        tree = self.sandbox.tshark("-q", "-r", self.rebuilt, "-z", "foreshadow,tree").stdout
        self.assertRegex(tree, rf"synthetic in the file\s+{count}\s")


class Broken(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.capture = cls.sandbox.cut(ROOT / "tests/data/demo.pcap", 3000)

    @classmethod
    def tearDownClass(cls):
        cls.sandbox.close()

    def test_what_cannot_be_used_is_said_once_and_in_every_tree(self):
        plain = self.sandbox.tshark("-r", self.capture).stdout
        wrong = self.sandbox.write("wrong.toml", "[score]\nwarm_up = \"soon\"\n")
        text = self.sandbox.write("model.safetensors", "no model")
        for preference, part in (
            (f"foreshadow.config:{self.sandbox.folder}/nowhere.toml", "nowhere.toml: cannot be read"),
            (f"foreshadow.config:{wrong}", "warm_up"),
            (f"foreshadow.model:{text}", "model"),
        ):
            done = self.sandbox.tshark("-r", self.capture, "-o", preference)
            self.assertEqual(done.stdout, plain, "packets are shown as ever")
            said = [line for line in done.stderr.splitlines() if "not scored" in line]
            self.assertEqual(len(said), 1, done.stderr)
            self.assertIn(part, done.stderr)
            for words in ([], ["-2"]):
                rows = self.sandbox.fields(self.capture, ["foreshadow.error", "foreshadow.score"], "-o", preference, *words)
                self.assertTrue(rows)
                for row in rows:
                    self.assertIn(part, row["foreshadow.error"][0])
                    self.assertNotIn("foreshadow.score", row)
            text_of = self.sandbox.tshark("-q", "-r", self.capture, "-o", preference, "-z", "expert,error").stdout
            self.assertIn("Not scored", text_of)

    def test_switched_off_it_reads_nothing_and_says_nothing(self):
        done = self.sandbox.tshark(
            "-r", self.capture, "--disable-protocol", "foreshadow", "-o", "foreshadow.config:/nowhere", "-V"
        )
        self.assertEqual(done.stderr, "")
        self.assertNotIn("oreshadow", done.stdout)
