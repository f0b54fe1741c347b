"""Every capture of a folder through Wireshark's core, with the plugin and without it.

    make corpus-wireshark DIR=folder

For each capture: the packet list and some packets' trees are the same but for what is ours, nothing
crashes, no dissector has a bug to report. Every EVERYth goes through `tshark -2 -V` as well, both ways.
"""

import random
import re
import sys
import time
from pathlib import Path

from sandbox import Sandbox, Sharkd

EVERY = 20
TREES = 6
BUG = re.compile(r"[Dd]issector bug|Malformed Packet: Foreshadow")


def ours(node):
    return node.get("f", "").startswith("foreshadow") or node.get("l", "").startswith("[Foreshadow")


def others(tree):
    """A tree without what the plugin added, and without the severity that its expert infos lend."""
    return [
        {key: others(value) if key == "n" else value for key, value in node.items() if key not in ("s", "e")}
        for node in tree if not ours(node)
    ]


def text_of_others(text):
    """tshark -V without our tree, which is the last of each packet."""
    return re.sub(r"(?m)^\[Foreshadow packet forecast.*\n(?:[ \t].*\n)*", "", text)


class Pair:
    """sharkd with the plugin and without."""

    def __init__(self, sandboxes):
        self.daemons = [Sharkd(sandbox) for sandbox in sandboxes]

    def look(self, capture, chance):
        """What is wrong with a capture; empty if nothing is."""
        status = [daemon.load(capture) for daemon in self.daemons]
        if status[0] != status[1]:
            return [f"load: {status}"]
        if not status[0].get("frames"):
            return []
        wrong = []
        lists = [daemon.ask("frames") for daemon in self.daemons]
        for one, other in zip(*lists):
            if one["c"] != other["c"]:
                wrong.append(f"packet {one['num']}: {one['c']} instead of {other['c']}")
        if len(lists[0]) != len(lists[1]):
            wrong.append(f"{len(lists[0])} packets instead of {len(lists[1])}")
        numbers = [row["num"] for row in lists[0]]
        for number in chance.sample(numbers, min(TREES, len(numbers))):
            trees = [daemon.ask("frame", frame=number, proto=True)["tree"] for daemon in self.daemons]
            if others(trees[0]) != others(trees[1]):
                wrong.append(f"packet {number}: another tree")
            if BUG.search(str(trees[0])) and not BUG.search(str(trees[1])):
                wrong.append(f"packet {number}: dissector bug")
        return wrong[:5]

    def close(self):
        for daemon in self.daemons:
            daemon.process.kill()
            daemon.close()


def main(folder, rest):
    every = int(rest[0]) if rest else EVERY
    captures = sorted(path for path in folder.rglob("*.*cap*") if path.is_file())
    sandboxes = [Sandbox(), Sandbox(with_plugin=False)]
    chance, failed, texts, began = random.Random(8), 0, 0, time.monotonic()
    pair = Pair(sandboxes)
    for number, path in enumerate(captures):
        capture = sandboxes[0].bring(path, "capture" + "".join(path.suffixes[-2:]))
        try:
            wrong = pair.look(capture, chance)
        except AssertionError as error:
            wrong = [str(error)]
            pair.close()
            pair = Pair(sandboxes)
        if number % every == 0:
            shown = [sandbox.tshark("-n", "-2", "-r", capture, "-V", check=False) for sandbox in sandboxes]
            texts += 1
            if text_of_others(shown[0].stdout) != text_of_others(shown[1].stdout):
                wrong.append("tshark -V differs")
            if shown[0].returncode != shown[1].returncode:
                wrong.append(f"tshark ends with {shown[0].returncode}, not {shown[1].returncode}")
        for line in wrong:
            print(f"{path}: {line}")
        failed += bool(wrong)
        capture.unlink()
        if number % 100 == 99:
            print(f"{number + 1} of {len(captures)}, {time.monotonic() - began:.0f} s, {failed} failed", flush=True)
    pair.close()
    for sandbox in sandboxes:
        sandbox.close()
    print(f"{len(captures)} captures, {texts} of them as text: {failed} failed")
    return 1 if failed or not captures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
