"""What the plugin shows is what `foreshadow run` says of the same capture."""

import math
import unittest

from sandbox import Sandbox, bundled

# Half of all packets are anomalies, from the first one on, so that much is compared.
CONFIG = """
score.false_alarms_per_million = 500000
score.warm_up = 0
score.min_packets = 0
score.alarms_per_day = 10000
"""
# Its fractions of a second are a whole second and more: Wireshark and the command read that differently.
UNLIKE = {"timestamp_invalid_micro.pcap"}

PACKET = {
    "bits": "bits", "bits_side_flags": "bits.side_flags", "bits_size": "bits.size",
    "bits_time": "bits.time", "bits_entropy": "bits.entropy", "threshold": "threshold",
    "one_in": "one_in", "reasons": "reason", "position": "position", "seen_side": "seen.side",
    "seen_flags": "seen.flags", "seen_size": "seen.size", "seen_after": "seen.after",
    "expected_side": "expected.side", "expected_flags": "expected.flags",
    "expected_probability": "expected.probability", "expected_size_low": "expected.size_low",
    "expected_size_mode": "expected.size", "expected_size_high": "expected.size_high",
    "expected_after_low": "expected.after_low", "expected_after_median": "expected.after",
    "expected_after_high": "expected.after_high", "nothing_more": "expected.nothing_more",
    "uid": "uid",
}
CONNECTION = {
    "conn_state": "state", "fs_packets_scored": "packets", "fs_anomalies": "anomalies",
    "fs_synthetic": "missing", "fs_surprise_mean": "bits_mean", "fs_surprise_max": "bits_max",
    "fs_severity": "score",
}
MISSING = {
    "serial": "id", "kind": "kind", "why": "why", "side": "side", "size": "size", "flags": "flags",
    "seq": "seq", "confidence": "confidence", "capture_loss": "capture_loss",
}
FIELDS = [
    "frame.number", "frame.time_epoch", "foreshadow.anomalous", "foreshadow.missing",
    "foreshadow.missing_after", "foreshadow.next_frame", "foreshadow.alarm", "foreshadow.alarm.host",
    "foreshadow.alarm.severity", "foreshadow.alarm.reason", "foreshadow.missing.outcome",
    "foreshadow.missing.settled_frame", "foreshadow.heartbeat",
    *(f"foreshadow.{name}" for name in PACKET.values()),
    *(f"foreshadow.connection.{name}" for name in CONNECTION.values()),
    *(f"foreshadow.missing.{name}" for name in MISSING.values()),
]


def same(logged, shown):
    """Whether a value of a log and the texts of a field are the same, to the digits that are shown."""
    if logged is None:
        return not shown
    if not shown:
        return False
    if isinstance(logged, list):
        return logged == shown
    if isinstance(logged, (int, float)):
        return math.isclose(float(shown[0]), logged, rel_tol=1e-4, abs_tol=1e-3)
    return [logged] == shown


class Values(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.config = cls.sandbox.write("config.toml", CONFIG)
        cls.compared = {"captures": 0, "packets": 0, "missing": 0, "connections": 0, "alarms": 0}

    @classmethod
    def tearDownClass(cls):
        cls.sandbox.close()
        print(f"compared with foreshadow run: {cls.compared}", flush=True)

    def test_every_bundled_capture_is_shown_as_it_is_logged(self):
        for capture in bundled():
            with self.subTest(capture=capture.name):
                if capture.name not in UNLIKE:
                    self.compare(capture)
        self.assertGreaterEqual(self.compared["captures"], 100)
        for what in ("packets", "missing", "connections", "alarms"):
            self.assertGreater(self.compared[what], 0, what)

    def compare(self, capture):
        path = self.sandbox.bring(capture)
        logs = self.sandbox.logs(path, "--config", self.config)
        try:
            frames = self.sandbox.fields(path, FIELDS, "-2", "-o", f"foreshadow.config:{self.config}")
        except AssertionError as error:
            if "unknown or unsupported" in str(error):
                return  # a link type that Wireshark has not heard of
            raise
        self.packets(frames, logs.get("anomaly", []))
        self.missing(frames, logs.get("synthetic", []))
        self.connections(frames, logs.get("conn", []))
        self.alarms(frames, logs.get("alarm", []))
        self.assertEqual(
            [value for frame in frames for value in frame.get("foreshadow.heartbeat", [])],
            [row["state"] for row in logs.get("heartbeat", [])],
        )
        self.compared["captures"] += 1

    def packets(self, frames, logged):
        shown = [frame for frame in frames if "foreshadow.anomalous" in frame]
        self.assertEqual(len(shown), len(logged), "anomalies")
        for frame, row in zip(shown, logged):
            for column, field in PACKET.items():
                values = frame.get(f"foreshadow.{field}")
                if column.startswith("expected_after") and "foreshadow.seen.after" not in frame:
                    continue  # a first packet comes after nothing
                self.assertTrue(
                    same(row.get(column), values),
                    f"frame {frame['frame.number']}: {field} {values}, {column} {row.get(column)}",
                )
        self.compared["packets"] += len(shown)

    def missing(self, frames, logged):
        made = {row["serial"]: row for row in logged if row.get("outcome") is None}
        ended = {row["serial"]: row["outcome"] for row in logged if row.get("outcome") is not None}
        serials, behind = [], 0
        for frame in frames:
            ids = frame.get("foreshadow.missing.id", [])
            self.assertEqual(len(ids), int(frame.get("foreshadow.missing", ["0"])[0]))
            serials += map(int, ids)
            if "foreshadow.next_frame" not in frame:
                behind += int(frame.get("foreshadow.missing_after", ["0"])[0])
            outcomes = frame.get("foreshadow.missing.outcome", [])
            self.assertEqual(outcomes, [ended[int(number)] for number in ids])
            for column, field in MISSING.items():
                rows = [made[int(number)].get(column) for number in ids]
                rows = [row for row in rows if row is not None]
                values = frame.get(f"foreshadow.missing.{field}", [])
                self.assertEqual(len(values), len(rows), field)
                for value, row in zip(values, rows):
                    self.assertTrue(same(row, [value]), f"{field} {value}, {column} {row}")
        self.assertEqual(len(serials), len(set(serials)), "each is shown once")
        self.assertEqual(len(serials) + behind, len(made))
        self.compared["missing"] += len(serials)

    def connections(self, frames, logged):
        by_uid = {row["uid"]: row for row in logged}
        uids = set()
        for frame in frames:
            if "foreshadow.uid" not in frame:
                continue
            uid = frame["foreshadow.uid"][0]
            uids.add(uid)
            for column, field in CONNECTION.items():
                values, row = frame.get(f"foreshadow.connection.{field}"), by_uid[uid].get(column)
                self.assertTrue(same(row, values), f"{uid}: {field} {values}, {column} {row}")
        self.assertEqual(uids, set(by_uid))
        self.compared["connections"] += len(uids)

    def alarms(self, frames, logged):
        shown = [
            (about, host, reason)
            for frame in frames
            for about, host, reason in zip(
                frame.get("foreshadow.alarm", []), frame.get("foreshadow.alarm.host", []),
                frame.get("foreshadow.alarm.reason", []),
            )
        ]
        rows = [(row["kind"], row["host"], row["reason"]) for row in logged]
        # Those that only the end of the capture brings stand behind its last packet.
        self.assertEqual(shown, rows[: len(shown)])
        self.compared["alarms"] += len(shown)


if __name__ == "__main__":
    unittest.main()
