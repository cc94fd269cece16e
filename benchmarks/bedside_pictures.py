"""The pictures of docs/bedside.md: the page of a real `matpose serve`, before which simulated nights are played.

python benchmarks/bedside_pictures.py [--speed 60] [--hours 4.5]

The package's night has a frame every two minutes; each is held for some readings with a sensor's noise, and each bed
has the night from another hour of it. They are played quickly, so nothing here says how fast anything is. Needs
playwright and Debian's chromium.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from matpose.readers import read
from matpose.readers.hdf5_write import write_recording
from matpose.recording import Recording

HOME = Path(__file__).parents[1]
NIGHT = HOME / "src" / "matpose" / "samples" / "night.h5"
BEGIN = datetime(2026, 3, 13, 22, 40).astimezone()
EVERY_S = 30.0
SHOWN = "bed-1"
FIRST = {SHOWN: 209, "bed-2": 60, "bed-3": 96, "bed-4": 208, "bed-5": 130, "bed-6": 60, "bed-7": 88, "bed-8": 40}
"""The frame of the packaged night with which each bed's begins."""
HOURLY = ("bed-4", "bed-6")
"""Beds whose people shall be turned every hour; the others, every two."""
SILENT = "bed-7"
SIZES = {"wall": (1280, 720), "desktop": (1440, 960), "phone": (360, 740)}
MOST_BYTES = 250_000


def night_of(night: Recording, first: int, hours: float) -> Recording:
    """The night from one of its frames on, a reading every ``EVERY_S``."""
    held = round(float(np.median(np.diff(night.time_s))) / EVERY_S)
    count = round(hours * 3600 / EVERY_S)
    index = (first + np.arange(count) // held) % len(night)
    noise = np.random.default_rng(first).normal(1.0, 0.03, (count, night.mat.rows, night.mat.cols))
    frames = (night.frames[index] * noise).astype(np.float32)
    return replace(
        Recording(frames, night.mat, night.unit, np.arange(count) * EVERY_S, night.flags[index]),
        start_time=BEGIN.isoformat(),
    )


def take(url: str, at: datetime, folder: Path) -> None:
    """Look at the page in three sizes; its clock is set to the beds', which run faster."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        for name, (width, height) in SIZES.items():
            page = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme="dark",
                device_scale_factor=2 if name == "phone" else 1,
            ).new_page()  # fmt: skip
            page.clock.install(time=at)
            page.goto(url)
            page.goto(f"{url.partition('?')[0]}#/{'all' if name == 'wall' else f'bed/{SHOWN}'}")
            if name == "wall":
                page.wait_for_selector(".tile[data-sight=live]")
            else:
                page.wait_for_selector("[data-joint]")
                page.wait_for_selector(".stay")
            page.wait_for_timeout(2500)  # every tile, and its place
            now_s = page.evaluate(f"fetch('v1/beds/{SHOWN}').then((answer) => answer.json())")["epoch_s"]
            page.clock.set_system_time(now_s)
            page.wait_for_timeout(1200)
            page.wait_for_selector(".tile[data-sight=live]" if name == "wall" else "[data-joint]")
            raw = folder / f"{name}.png"
            page.screenshot(path=raw)
            out = HOME / "docs" / f"bedside-{name}.png"
            Image.open(raw).convert("RGB").save(out, optimize=True)
            print(out.name, out.stat().st_size, "bytes")
            if out.stat().st_size > MOST_BYTES:
                raise SystemExit(f"{out} is larger than {MOST_BYTES} bytes")
        browser.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--speed", type=float, default=60.0, help="times as fast as the night was")
    options.add_argument("--hours", type=float, default=4.5, help="of the night before the pictures are taken")
    given = options.parse_args()
    night = read(NIGHT)
    with TemporaryDirectory() as name:
        folder = Path(name)
        sources = []
        for bed, first in FIRST.items():
            # beyond the pictures, so that beds do not end while they are taken
            hours = given.hours * (0.93 if bed == SILENT else 1) + (0 if bed == SILENT else given.speed / 30)
            write_recording(folder / f"{bed}.h5", night_of(night, first, hours))
            sources += ["--source", f"replay:{folder / bed}.h5?speed={given.speed:g}&start=own&bed={bed}"]
        ward = folder / "ward.yaml"
        ward.write_text(json.dumps({"beds": {bed: {"turn_interval_h": 1.0} for bed in HOURLY}}), encoding="utf-8")
        command = [sys.executable, "-m", "matpose", "serve", *sources, "--port", "0", "--json", "--settings", str(ward),
                   "--store", str(folder / "store.sqlite")]  # fmt: skip
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                greeting = server.stdout.readline()
                if not greeting:
                    raise SystemExit("matpose serve did not start; it says why above")
                url = json.loads(greeting)["url"]
                print(f"{given.hours:g} hours take {given.hours * 60 / given.speed:.1f} minutes", flush=True)
                until_s = time.monotonic() + given.hours * 3600 / given.speed
                for line in server.stdout:  # what happens; it must be read, or the server waits
                    if time.monotonic() > until_s:
                        break
                    del line
                take(url, BEGIN + timedelta(hours=given.hours), folder)
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
