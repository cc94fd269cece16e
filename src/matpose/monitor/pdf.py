"""A page as PDF, by a Chromium of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

from matpose.atomic import atomic_path
from matpose.errors import MatposeError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LONGEST_S = 120.0


def find_browser() -> str:
    """The program's path.

    Raises:
        MatposeError: none is installed.
    """
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    raise MatposeError(
        "a PDF is made by Chromium or Chrome, and neither is installed",
        mend="install one (apt install chromium), or print the HTML page from any browser",
    )


def write_pdf(page: str | PathLike[str], path: str | PathLike[str]) -> Path:
    """Print a page to PDF, without any network.

    Args:
        page: the HTML file.
        path: the PDF to write; it appears whole or not at all.

    Returns:
        The path written.

    Raises:
        MatposeError: no browser is there, or it failed.
    """
    browser = find_browser()
    with TemporaryDirectory() as folder, atomic_path(path) as temporary:
        command = [
            browser, "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--proxy-server=127.0.0.1:9", "--no-pdf-header-footer",
            f"--user-data-dir={folder}", f"--print-to-pdf={temporary.absolute()}", Path(page).absolute().as_uri(),
        ]  # fmt: skip
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # its sandbox refuses root
            command.insert(1, "--no-sandbox")
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=False)
            problem = None if temporary.is_file() else (done.stderr.strip().splitlines() or ["no PDF came"])[-1]
        except subprocess.TimeoutExpired:
            problem = f"it did not end within {LONGEST_S:.0f} s"
        except OSError as error:
            problem = str(error)
        if problem:
            raise MatposeError(
                f"{Path(browser).name} made no PDF: {problem}", mend="print the HTML page from any browser", path=path
            )
    return Path(path)
