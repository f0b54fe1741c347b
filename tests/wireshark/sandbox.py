"""A folder and an ordinary user for Wireshark's programs, and what they print, taken apart."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent.parent
OPTIONS = SimpleNamespace(plugins=None, foreshadow=None)
# Between the values of one field, and between fields: bytes that no value holds.
AGGREGATOR, SEPARATOR = "\x1f", "\x1e"
# Known only once later packets were read: "Later" in fields.def.
LATER = [
    line.split('"')[1]
    for line in (ROOT / "c-shim/wireshark/fields.def").read_text().splitlines()
    if line.startswith("FIELD(") and line.rstrip(')"').endswith("Later")
]
FIELDS = [
    line.split('"')[1]
    for line in (ROOT / "c-shim/wireshark/fields.def").read_text().splitlines()
    if line.startswith("FIELD(")
]
AT_ONCE = [field for field in FIELDS if field not in LATER]


def bundled():
    """The captures that come with the sources and that Wireshark can open."""
    folders = [ROOT / "tests/data", ROOT / "tests/data/agree", ROOT / "tests/data/odd"]
    return sorted(path for folder in folders for path in folder.glob("*.pcap*"))


class Sandbox:
    """A home with the plugin in it, or without."""

    def __init__(self, with_plugin=True):
        self.folder = Path(tempfile.mkdtemp(prefix="foreshadow-wireshark."))
        self.home = self.folder / "home"
        self.home.mkdir()
        self.folder.chmod(0o755)
        self.foreshadow = self.folder / "foreshadow"
        shutil.copy(OPTIONS.foreshadow, self.foreshadow)
        if with_plugin:
            place = self.home / ".local/lib/wireshark/plugins" / self.minor()
            shutil.copytree(OPTIONS.plugins / self.minor(), place)
        self.hand_over(self.home)

    def minor(self):
        """The Wireshark here: 4.0."""
        text = subprocess.run(["tshark", "--version"], capture_output=True, text=True).stdout
        return ".".join(text.split("\n")[0].split("(Wireshark) ")[-1].split(".")[:2])

    def hand_over(self, path):
        """Gives a path to the ordinary user."""
        if os.getuid() == 0:
            subprocess.run(["chown", "-R", "nobody", str(path)], check=True)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def bring(self, path, name=None):
        """A copy of a file that the ordinary user can read."""
        there = self.folder / (name or Path(path).name)
        shutil.copy(path, there)
        there.chmod(0o644)
        return there

    def cut(self, path, packets):
        """A copy of the first packets of a capture."""
        there = self.folder / Path(path).name
        form = "nsecpcap" if there.suffix == ".pcap" else "pcapng"
        subprocess.run(["editcap", "-F", form, "-r", path, there, f"1-{packets}"], check=True)
        there.chmod(0o644)
        return there

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o644)
        return path

    def command(self, *words, capabilities=""):
        """A command line that runs as the ordinary user."""
        words = [str(word) for word in words]
        if os.getuid() != 0:
            return words
        drop = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        if capabilities:
            drop += [f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"]
        return [*drop, *words]

    def environment(self):
        keep = {name: os.environ[name] for name in ("PATH", "DISPLAY") if name in os.environ}
        return {
            **keep,
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }

    def run(self, *words, check=True, capabilities="", timeout=300, **more):
        """Runs a command as the ordinary user."""
        done = subprocess.run(
            self.command(*words, capabilities=capabilities),
            capture_output=True, text=True, errors="replace", env=self.environment(),
            cwd=self.folder, timeout=timeout, **more,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, words))}: {done.returncode}\n{done.stderr}")
        return done

    def tshark(self, *words, **more):
        return self.run("tshark", *words, **more)

    def fields(self, capture, fields, *words):
        """Each packet's values: a list of dictionaries of lists, without what is absent."""
        wanted = [word for field in fields for word in ("-e", field)]
        form = ["-E", "occurrence=a", "-E", f"aggregator={AGGREGATOR}", "-E", f"separator={SEPARATOR}"]
        done = self.tshark("-n", "-r", capture, *words, "-T", "fields", *form, *wanted)
        rows = []
        for line in done.stdout.split("\n")[:-1]:
            values = line.split(SEPARATOR)
            rows.append({
                field: value.split(AGGREGATOR) for field, value in zip(fields, values) if value
            })
        return rows

    def logs(self, capture, *words):
        """What `foreshadow run` says of a capture: its logs by name, rows as dictionaries."""
        out = Path(tempfile.mkdtemp(dir=self.folder))
        self.hand_over(out)
        self.run(self.foreshadow, "run", "--read", capture, "--out", out / "logs", "--format", "json",
                 "--quiet", *words, check=False)
        logs = {}
        for path in (out / "logs").glob("*.log"):
            logs[path.stem] = [json.loads(line) for line in path.read_text().splitlines()]
        shutil.rmtree(out)
        return logs


class Sharkd:
    """Wireshark's core behind a pipe: any packet, in any order."""

    def __init__(self, sandbox):
        # A file: nobody reads while it runs, and a pipe that is full would hold it up.
        self.said = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen(
            sandbox.command("sharkd", "-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.said, text=True, errors="replace", env=sandbox.environment(),
            cwd=sandbox.folder,
        )
        self.number = 0

    def send(self, method, parameters):
        self.number += 1
        request = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": parameters}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def ask(self, method, **parameters):
        self.send(method, parameters)
        while True:
            line = self.process.stdout.readline()
            if not line:
                self.said.seek(0)
                raise AssertionError(f"sharkd died at {method}: {self.said.read()[-2000:]}")
            answer = json.loads(line)
            if answer.get("id") == self.number:
                return answer.get("result", answer.get("error"))

    def load(self, capture):
        """Opens a capture and answers its status: 4.0 says nothing to the load of one that is cut short."""
        self.send("load", {"file": str(capture)})
        return self.ask("status")

    def of_ours(self, frame):
        """Our filters on a packet, in the order of the tree."""
        found = []

        def walk(nodes):
            for node in nodes:
                if node.get("f", "").startswith("foreshadow."):
                    found.append(node["f"])
                walk(node.get("n", []))

        walk(self.ask("frame", frame=frame, proto=True)["tree"])
        return found

    def close(self):
        """Ends it and answers what it said on stderr."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.said.seek(0)
        said = self.said.read()
        self.said.close()
        return said
