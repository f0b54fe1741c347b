"""A packet is shown alike in one pass, in two, in any order, after a reload and with or without a filter."""

import random
import unittest

from sandbox import AT_ONCE, FIELDS, Sandbox, Sharkd, bundled

# Captures with missing packets, alarms, several protocols; small enough to be read many times.
SOME = ["demo.pcap", "wikipedia.pcap", "tcp__retransmit-timeout.pcapng", "ntp__NTP_sync.pcap",
        "http__http-large-gap.pcap", "sip.pcap", "redis__stream.pcap", "wireshark-retrans.pcap"]
FRAME = ["frame.number", *AT_ONCE]


class Passes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.config = cls.sandbox.write(
            "config.toml", "score.false_alarms_per_million = 20000\nscore.warm_up = 50\n"
        )
        cls.captures = [cls.sandbox.cut(path, 3000) for path in bundled() if path.name in SOME]
        assert len(cls.captures) == len(SOME)
        cls.preference = ["-o", f"foreshadow.config:{cls.config}"]

    @classmethod
    def tearDownClass(cls):
        cls.sandbox.close()

    def test_one_pass_shows_what_two_show_but_for_what_is_known_later(self):
        shown = set()
        for capture in self.captures:
            one = self.sandbox.fields(capture, FRAME, *self.preference)
            two = self.sandbox.fields(capture, FRAME, *self.preference, "-2")
            self.assertEqual(one, two, capture.name)
            shown.update(*one)
        for field in ("score", "anomalous", "missing", "missing.kind", "settled.outcome", "category.new"):
            self.assertIn(f"foreshadow.{field}", shown)

    def test_two_passes_show_what_is_known_later(self):
        capture = self.sandbox.folder / "demo.pcap"
        fields = ["foreshadow.next_frame", "foreshadow.missing_after", "foreshadow.missing.outcome",
                  "foreshadow.connection.state"]
        # The connection's state of a connection that ended before the packet is known at once.
        self.assertNotIn("foreshadow.next_frame", set().union(*self.sandbox.fields(capture, fields)))
        shown = set().union(*self.sandbox.fields(capture, fields, "-2"))
        self.assertEqual(shown, set(fields))

    def test_frame_links_and_missing_packets_fit_together(self):
        fields = ["frame.number", "foreshadow.prev_frame", "foreshadow.next_frame",
                  "foreshadow.missing", "foreshadow.missing_after", "foreshadow.stream"]
        for capture in self.captures:
            frames = {row["frame.number"][0]: row for row in self.sandbox.fields(capture, fields, "-2")}
            for number, row in frames.items():
                after = row.get("foreshadow.next_frame")
                if after:
                    self.assertEqual(frames[after[0]]["foreshadow.prev_frame"], [number])
                    self.assertEqual(frames[after[0]]["foreshadow.stream"], row["foreshadow.stream"])
                    self.assertEqual(
                        frames[after[0]].get("foreshadow.missing"), row.get("foreshadow.missing_after")
                    )

    def test_any_order_and_a_reload_show_the_same(self):
        chance = random.Random(8)
        for capture in self.captures:
            sharkd = Sharkd(self.sandbox)
            self.assertEqual(
                sharkd.ask("setconf", name="foreshadow.config", value=str(self.config)), {"status": "OK"}
            )
            sharkd.load(capture)
            count = min(sharkd.ask("status")["frames"], 80)
            in_order = {number: sharkd.of_ours(number) for number in range(1, count + 1)}
            self.assertTrue(any(in_order.values()))
            for number in chance.choices(range(1, count + 1), k=150):
                self.assertEqual(sharkd.of_ours(number), in_order[number], f"{capture.name} {number}")
            sharkd.load(capture)
            for number in chance.sample(range(1, count + 1), k=min(count, 40)):
                self.assertEqual(sharkd.of_ours(number), in_order[number], f"{capture.name} {number}")
            said = sharkd.close()
            self.assertNotIn("not scored", said)
            self.assertNotIn("issector bug", said)

    def test_a_filter_chooses_packets_and_changes_none(self):
        capture = self.sandbox.folder / "demo.pcap"
        every = self.sandbox.fields(capture, FRAME, *self.preference)
        for filtered in ("foreshadow.score > 1", "foreshadow.missing", "foreshadow.anomalous",
                         'foreshadow.reason == "time" && foreshadow.bits > 5'):
            some = self.sandbox.fields(capture, FRAME, *self.preference, "-Y", filtered)
            self.assertTrue(some, filtered)
            self.assertLess(len(some), len(every), filtered)
            numbers = {row["frame.number"][0]: row for row in every}
            for row in some:
                self.assertEqual(row, numbers[row["frame.number"][0]])

    def test_frames_left_out_between_the_passes_are_not_linked(self):
        capture = self.sandbox.folder / "demo.pcap"
        rows = self.sandbox.fields(
            capture, ["frame.number", "foreshadow.prev_frame", "foreshadow.next_frame"],
            "-2", "-R", "foreshadow.bits > 3",
        )
        self.assertTrue(rows)
        for row in rows:
            number = int(row["frame.number"][0])
            self.assertTrue(all(int(other) < number for other in row.get("foreshadow.prev_frame", [])))
            self.assertTrue(all(int(other) > number for other in row.get("foreshadow.next_frame", [])))

    def test_preferences_of_display_take_effect_at_once(self):
        sharkd = Sharkd(self.sandbox)
        sharkd.load(self.sandbox.folder / "demo.pcap")
        count = sharkd.ask("status")["frames"]

        def anomalous():
            return sum("foreshadow.anomalous" in sharkd.of_ours(n) for n in range(1, count + 1))

        by_config = anomalous()
        self.assertEqual(sharkd.ask("setconf", name="foreshadow.one_in", value="3"), {"status": "OK"})
        self.assertGreater(anomalous(), max(by_config, 10))
        sharkd.ask("setconf", name="foreshadow.one_in", value="0")
        self.assertEqual(anomalous(), by_config)
        sharkd.close()

    def test_the_session_can_be_reset_while_reading(self):
        capture = self.sandbox.folder / "demo.pcap"
        done = self.sandbox.tshark("-r", capture, "-M", "50", "-T", "fields", "-e", "foreshadow.score")
        self.assertEqual(len(done.stdout.splitlines()), len(self.sandbox.fields(capture, FRAME)))

    def test_no_field_is_unheard_of(self):
        shown = set()
        for capture in self.captures:
            for row in self.sandbox.fields(capture, FIELDS, *self.preference, "-2"):
                shown.update(row)
        self.assertGreater(len(shown), 45, shown)
