"""What the plugin costs beside plain tshark: user CPU and memory, in one alternating run.

    make bench-wireshark DIR=folder

Merges the captures of the folder by time and takes the first 300,000 packets of that.
"""

import os
import subprocess

from sandbox import Sandbox

PACKETS = 300_000
ROUNDS = 5
VARIANTS = {
    "plain": ["--disable-protocol", "foreshadow"],
    "plugin": [],
    "plugin, anomalies only": ["-o", "foreshadow.explain:FALSE"],
}


def measured(sandbox, words):
    """User seconds and MB of a command at its peak."""
    process = subprocess.Popen(
        sandbox.command("tshark", *words), env=sandbox.environment(), cwd=sandbox.folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, words
    return usage.ru_utime, usage.ru_maxrss / 1024


def merged(sandbox, folder):
    """A capture of the size asked for, made of those in the folder."""
    made, whole = sandbox.folder / "merged.pcapng", sandbox.folder / "whole.pcapng"
    names = sorted(str(path) for path in folder.rglob("*.*cap*") if path.is_file())
    # Our own reader takes what is readable of broken captures; what it makes goes into a file apart.
    subprocess.run(
        [sandbox.foreshadow, "run", "--quiet", "--read", *names, "--order", "time", "--separate-file",
         "--rebuild", whole, "--out", sandbox.folder / "logs"], stderr=subprocess.DEVNULL,
    )
    subprocess.run(["editcap", "-r", whole, made, f"1-{PACKETS}"], check=True)
    whole.unlink()
    made.chmod(0o644)
    return made


def main(folder, rest):
    rounds = int(rest[0]) if rest else ROUNDS
    sandbox = Sandbox()
    capture = merged(sandbox, folder)
    count = subprocess.run(["capinfos", "-Tmcr", capture], capture_output=True, text=True).stdout.split(",")[-1].strip()
    results = {name: [] for name in VARIANTS}
    for _ in range(rounds):
        for name, words in VARIANTS.items():
            results[name].append(measured(sandbox, ["-n", "-r", capture, "-Y", "frame.len > 1000000", *words]))
    base = min(user for user, _ in results["plain"])
    print(f"{count} packets, {capture.stat().st_size / 1e6:.0f} MB, best of {rounds}")
    for name, runs in results.items():
        user, memory = min(user for user, _ in runs), min(memory for _, memory in runs)
        each = (user - base) / int(count) * 1e6
        print(f"{name:24} {user:6.2f} s user  {user / base:5.2f}x  {each:6.2f} us a packet more  {memory:6.0f} MB")
    sandbox.close()
    return 0
