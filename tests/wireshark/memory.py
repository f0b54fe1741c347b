"""tshark with the plugin under valgrind, over some captures of a folder: nothing of ours may be reported.

    make valgrind-wireshark DIR=folder
"""

import random
import re

from sandbox import Sandbox

COUNT = 200
# What is no fault: a value made once and kept while the program runs, which is "lost" as the plugin is
# unloaded; and the rows of statistics that tshark keeps until it ends, whoever counts into them.
KNOWN = re.compile(r"std::s(ync|ys::sync)::once|stats_tree_")
# A frame of a stack that lies in the plugin.
OURS = re.compile(r"(in .*foreshadow\.so|\bfs_\w+ \()")


def reports(text):
    """Valgrind's errors and leaks that go through the plugin."""
    parts = re.split(r"(?m)^==\d+== *$\n?", text)
    return [
        part for part in parts
        if OURS.search(part) and re.search(r"==\d+==    (at|by) 0x", part) and not KNOWN.search(part)
    ]


def main(folder, rest):
    count = int(rest[0]) if rest else COUNT
    captures = sorted(path for path in folder.rglob("*.*cap*") if path.is_file() and path.stat().st_size < 100_000)
    sandbox = Sandbox()
    sandbox.folder.chmod(0o777)
    failed, looked = 0, 0
    for number, path in enumerate(random.Random(8).sample(captures, min(count, len(captures)))):
        capture = sandbox.bring(path, "capture" + path.suffix)
        log = sandbox.folder / f"valgrind-{number}.log"
        sandbox.run(
            "valgrind", "--leak-check=full", "--show-leak-kinds=definite", "--keep-debuginfo=yes", f"--log-file={log}",
            "tshark", "-n", "-2", "-r", capture, "-O", "foreshadow", "-c", "300", "-z", "foreshadow,tree",
            "-z", "foreshadow,flows", check=False, timeout=900,
        )
        text = log.read_text(errors="replace")
        looked += "ERROR SUMMARY" in text
        found = reports(text)
        failed += bool(found)
        for part in found[:3]:
            print(f"{path}:\n{part}")
        capture.unlink()
        log.unlink()
        print(f"{number + 1}: {path.name}", flush=True)
    sandbox.close()
    print(f"valgrind over {looked} captures: {failed} with something of ours")
    return 1 if failed or not looked else 0
