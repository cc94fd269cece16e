"""Every reader under Atheris for a while, steered by coverage; what breaks the promise is printed as a literal."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from promise import READERS

SECONDS = 60
FLAGS = (f"-max_total_time={SECONDS}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=40000", "-print_final_stats=1")


def literal(content: bytes) -> str:
    """Python for these bytes; long ones packed."""
    return repr(content) if len(content) < 2000 else f"zlib.decompress({zlib.compress(content, 9)!r})"


def fuzz(name: str, folder: Path, *flags: str) -> tuple[int, str, list[Path]]:
    """Exit code, what Atheris said, and the files that break the promise."""
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("harness.py")), name, str(folder), *flags],
        capture_output=True, text=True, errors="replace", cwd=folder, timeout=SECONDS * 5,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
    )  # fmt: skip
    found = [file for kind in ("crash", "timeout", "oom") for file in folder.glob(f"{kind}-*")]
    return run.returncode, run.stderr, found


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_reader_keeps_its_promise(tmp_path, name):
    pytest.importorskip("atheris", reason="Atheris has wheels for CPython on 64-bit Linux only")
    code, said, found = fuzz(name, tmp_path, *FLAGS)
    for file in found:
        print(f"{file.name}: ({name!r}, {literal(file.read_bytes())}, '...'),")
    assert not found, said[-3000:]
    assert code == 0, said[-3000:]
    assert f"Instrumenting matpose.readers.{name}" in said
    executed = re.search(r"number_of_executed_units: (\d+)", said)
    covered = re.findall(r"cov: (\d+)", said)
    assert executed
    print(f"{name}: {executed[1]} cases, {covered[0]} edges with the seeds, {covered[-1]} at the end")
    assert int(executed[1]) > 5 * SECONDS
