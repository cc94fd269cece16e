"""What of an archive is done: one line a file, safe on the disk before the next; a later run leaves that out."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from matpose.atomic import atomic_path
from matpose.errors import MatposeError

NAME = "ledger.jsonl"
HEAD_BYTES = 1 << 16


def fingerprint(source: Path) -> dict[str, Any]:
    """Whether a file has changed since: its size, its time of change and a hash of its first 64 KiB.

    Raises:
        OSError: it cannot be read.
    """
    with source.open("rb") as file:
        facts = os.fstat(file.fileno())
        head = hashlib.sha256(file.read(HEAD_BYTES)).hexdigest()
    return {"size": facts.st_size, "mtime_ns": facts.st_mtime_ns, "head_sha256": head}


class Ledger:
    """The lines of ``ledger.jsonl``. Only one process at a time may have a folder's.

    Args:
        folder: where the results stand; made if missing.
        settings: a text that changes with whatever else the results depend on.

    Raises:
        MatposeError: another run is writing there, or the folder cannot be written to.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as place:
        ...     ledger = Ledger(Path(place), settings="model 1")
        ...     ledger.add("night.h5", {"size": 7}, {"frames": 3}, files=["ledger.jsonl"])
        ...     ledger.close()
        ...     again = Ledger(Path(place), settings="model 1")
        ...     again.done("night.h5", {"size": 7}, Path(place)), again.done("night.h5", {"size": 8}, Path(place))
        ({'frames': 3}, None)
    """

    def __init__(self, folder: Path, settings: str) -> None:
        self.path = folder / NAME
        self._settings = hashlib.sha256(settings.encode()).hexdigest()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+", encoding="utf-8", newline="\n")
            self._lock()
            self._lines = self._read()
        except OSError as error:
            raise MatposeError(
                f"cannot be written: {error.strerror or error}", mend="choose another place", path=self.path
            ) from error

    def done(self, output: str, source: Mapping[str, Any], folder: Path) -> dict | None:
        """The summary of a file that is done, unchanged, and whose results all stand in the folder; else None."""
        line = self._lines.get(output)
        if line is None or line["source"] != source or line["settings"] != self._settings:
            return None
        return line["summary"] if all((folder / name).is_file() for name in line["files"]) else None

    def add(self, output: str, source: Mapping[str, Any], summary: dict, files: list[str]) -> None:
        """Note that a file is done, on the disk.

        Args:
            output: the folder of its results, within the ledger's; it names the line.
            source: the file's :func:`fingerprint` from before it was read.
            summary: what :func:`matpose.runtime.predict_file.predict_file` said.
            files: names of the results in their folder.
        """
        line = {
            "output": output, "source": dict(source), "settings": self._settings, "files": files, "summary": summary,
        }  # fmt: skip
        self._lines[output] = line
        try:
            print(_text(line), file=self._file, flush=True)
            os.fsync(self._file.fileno())
        except OSError as error:
            raise MatposeError(
                f"cannot be written: {error.strerror or error}", mend="make room and repeat the command", path=self.path
            ) from error

    def close(self) -> None:
        """Put the lines in order, so that the file does not tell which worker was quicker."""
        try:
            with atomic_path(self.path) as temporary:
                lines = (f"{_text(line)}\n" for _, line in sorted(self._lines.items()))
                temporary.write_text("".join(lines), encoding="utf-8")
        finally:
            self._file.close()

    def _read(self) -> dict[str, dict]:
        lines: dict[str, dict] = {}
        self._file.seek(0)
        text = self._file.read()
        for told in text.splitlines():
            with suppress(ValueError, KeyError, TypeError):  # a killed writer may leave half a line
                line = json.loads(told)
                if line.keys() == {"output", "source", "settings", "files", "summary"}:
                    lines[line["output"]] = line
        if text and not text.endswith("\n"):
            self._file.write("\n")
        return lines

    def _lock(self) -> None:
        """Held until the process ends, however it ends; not every system has such locks."""
        with suppress(ImportError):
            import fcntl

            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise MatposeError(
                    "another run is writing into this folder",
                    mend="wait for its end, or choose another --output",
                    path=self.path.parent,
                ) from None
            except OSError:  # a network drive without locks
                pass


def _text(line: dict) -> str:
    return json.dumps(line, ensure_ascii=False)
