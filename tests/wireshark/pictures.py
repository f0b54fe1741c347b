"""The pictures of docs/wireshark.md, made anew: make screenshots"""

import subprocess

from gui import HEIGHT, Gui, missing
from sandbox import OPTIONS, ROOT, Sandbox


def install(sandbox):
    sandbox.run(ROOT / "c-shim/wireshark/install", OPTIONS.plugins, sandbox.foreshadow)


# Rows below the one that is looked at, so that their colours are seen.
BELOW = 7
# Where the last row of the packet list is, and how high a row is.
LAST_ROW, ROW = 463, 17


def show(sandbox, path, capture, frame, *words):
    """A packet and our tree of it, opened."""
    last = len(sandbox.fields(capture, ["frame.number"]))
    below = min(BELOW, last - frame)
    gui = Gui(sandbox, "-C", "Foreshadow", "-r", capture, "-o", "gui.layout_content_3:NONE", "-g", frame + below, *words)
    try:
        gui.wait_for(capture.name)
        # The last row is the one that -g chose; without a window manager there is no way but to click.
        gui.click(300, LAST_ROW - below * ROW)
        gui.settle()
        # Into the details, to the last tree, and open it.
        gui.click(300, HEIGHT - 60)
        gui.keys("Home", "End", "Right")
        gui.settle()
        gui.picture(path)
    finally:
        gui.close()


def main(folder, _):
    lacking = missing()
    if lacking:
        print(f"pictures need: {', '.join(lacking)}")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    sandbox = Sandbox(with_plugin=False)
    sandbox.folder.chmod(0o777)
    install(sandbox)
    demo = sandbox.bring(ROOT / "tests/data/demo.pcap")
    transfer = sandbox.bring(ROOT / "tests/data/agree/ftp__bigtransfer.pcap")
    rebuilt = sandbox.folder / "rebuilt.pcapng"
    subprocess.run(sandbox.command(
        sandbox.foreshadow, "run", "--quiet", "--read", transfer, "--order", "time", "--rebuild", rebuilt,
        "--out", sandbox.home / "logs"), check=True)
    gap = sandbox.fields(transfer, ["frame.number"], "-Y", 'foreshadow.missing.kind == "gap"')[0]["frame.number"][0]
    made = sandbox.fields(rebuilt, ["frame.number"], "-Y", "foreshadow.synthetic")[0]["frame.number"][0]
    rare = ["-o", "foreshadow.one_in:1000"]
    odd = sandbox.fields(demo, ["frame.number"], "-Y", "foreshadow.anomalous", *rare)[2]["frame.number"][0]
    show(sandbox, folder / "wireshark-anomaly.png", demo, int(odd), *rare)
    show(sandbox, folder / "wireshark-gap.png", transfer, int(gap))
    show(sandbox, folder / "wireshark-rebuilt.png", rebuilt, int(made))
    gui = Gui(sandbox, "-C", "Foreshadow", "-r", demo, *rare)
    try:
        gui.wait_for(demo.name)
        gui.statistics()
        gui.picture(folder / "wireshark-statistics.png")
    finally:
        gui.close()
    sandbox.close()
    for path in sorted(folder.glob("wireshark-*.png")):
        print(f"{path}: {path.stat().st_size // 1024} KiB")
    return 0
