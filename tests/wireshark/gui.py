"""Wireshark itself on a screen that nobody sees (Xvfb), driven by keys and looked at by pixels."""

import os
import shutil
import subprocess
import time

NEEDED = ["wireshark", "Xvfb", "xdotool", "import", "convert"]
WIDTH, HEIGHT = 1400, 900
RECENT = f"""gui.geometry_main_x: 0
gui.geometry_main_y: 0
gui.geometry_main_width: {WIDTH}
gui.geometry_main_height: {HEIGHT - 10}
gui.geometry_main_maximized: FALSE
gui.toolbar_main_show: TRUE
"""


def missing():
    """The programs that are not here."""
    return [name for name in NEEDED if not shutil.which(name)]


class Gui:
    """One run of Wireshark."""

    def __init__(self, sandbox, *words):
        self.sandbox = sandbox
        config = sandbox.home / ".config/wireshark"
        config.mkdir(parents=True, exist_ok=True)
        (config / "recent_common").write_text(RECENT)
        sandbox.hand_over(sandbox.home)
        os.chmod(sandbox.home, 0o700)
        self.open_screen()
        self.log = open(sandbox.folder / "wireshark.log", "w+")
        self.process = subprocess.Popen(
            sandbox.command("wireshark", *words), env=self.environment, cwd=sandbox.folder,
            stdout=self.log, stderr=subprocess.STDOUT,
        )

    def open_screen(self):
        """Starts a screen that ordinary users may draw on."""
        read, write = os.pipe()
        self.screen = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp", "-noreset", "-ac"],
            pass_fds=[write], stderr=subprocess.DEVNULL,
        )
        os.close(write)
        with open(read, encoding="ascii") as told:
            self.display = ":" + told.readline().strip()
        self.environment = {**self.sandbox.environment(), "DISPLAY": self.display, "QT_QPA_PLATFORM": "xcb"}

    def windows(self, name):
        """How many visible windows have a title that matches."""
        done = subprocess.run(["xdotool", "search", "--onlyvisible", "--name", name],
                              env=self.environment, capture_output=True, text=True)
        return len(done.stdout.split())

    def wait_for(self, name, seconds=90):
        end = time.monotonic() + seconds
        while not self.windows(name):
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"no window {name}: {self.said()}")
            time.sleep(0.3)
        self.settle()

    def settle(self, seconds=60):
        """Waits until two looks at the screen, a second apart, are the same."""
        before, end = None, time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(1.0)
            now = subprocess.run(["import", "-window", "root", "rgb:-"], env=self.environment,
                                 capture_output=True).stdout
            if now == before:
                return
            before = now

    def keys(self, *keys):
        for key in keys:
            subprocess.run(["xdotool", "key", key], env=self.environment, check=True)
            time.sleep(0.25)

    def statistics(self):
        """Opens Statistics > Foreshadow > Packets, from the bottom of the menu: below it are IPv4 and IPv6."""
        self.click(325, 10)
        self.keys("Up", "Up", "Up", "Right", "Return")
        self.wait_for("Wireshark.*Packets")

    def click(self, x, y):
        subprocess.run(["xdotool", "mousemove", str(x), str(y), "click", "1"], env=self.environment, check=True)
        time.sleep(0.5)

    def picture(self, path):
        """The screen as a small PNG."""
        whole = self.sandbox.folder / "screen.png"
        subprocess.run(["import", "-window", "root", whole], env=self.environment, check=True)
        subprocess.run(["convert", whole, "+dither", "-colors", "96", "-strip", f"PNG8:{path}"], check=True)

    def pixels(self, colour):
        """How many pixels of the screen have a colour."""
        whole = self.sandbox.folder / "screen.png"
        subprocess.run(["import", "-window", "root", whole], env=self.environment, check=True)
        done = subprocess.run(
            ["convert", whole, "-fill", "black", "+opaque", colour, "-fill", "white", "-opaque", colour,
             "-format", "%[fx:round(mean*w*h)]", "info:"], capture_output=True, text=True, check=True,
        )
        return int(float(done.stdout))

    def said(self):
        self.log.flush()
        return (self.sandbox.folder / "wireshark.log").read_text()[-3000:]

    def close(self):
        for process in (self.process, self.screen):
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.log.close()
