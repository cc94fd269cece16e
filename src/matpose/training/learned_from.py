"""data.json: what a run learns from, so that a resumed run learns from the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from matpose.atomic import atomic_path
from matpose.errors import MatposeError
from matpose.recording import Recording

FILE_NAME = "data.json"
_MAT = ("name", "rows", "cols", "pitch_y_m", "pitch_x_m", "rotate", "mirror")


class LearnedFrom:
    """Notes of recordings on their way: each mat once as it was read, and a digest of every person's recordings.

    The digest is of the recordings, not of the maps made of them: resampling may round otherwise on another machine.

    Example:
        >>> from matpose.datasets.blobs import blobs
        >>> notes = LearnedFrom()
        >>> recordings = list(notes.passing(blobs("2")))
        >>> list(notes.people()), notes.mats[0]["name"]
        (['blobs/1', 'blobs/2'], 'pmatdata-i')
    """

    def __init__(self) -> None:
        self.mats: list[dict] = []
        self._digests: dict[str, hashlib._Hash] = {}

    def passing(self, recordings: Iterable[Recording]) -> Iterator[Recording]:
        """Pass recordings on and note them."""
        for recording in recordings:
            mat = {name: getattr(recording.mat, name) for name in _MAT} | {"unit": recording.unit}
            if mat not in self.mats:
                self.mats.append(mat)
            person = recording.subject or recording.name or str(recording.source)
            digest = self._digests.setdefault(person, hashlib.sha256())
            digest.update(json.dumps([mat, recording.frames.shape]).encode())
            digest.update(recording.frames.tobytes())
            if recording.posture is not None:
                digest.update(json.dumps(recording.posture.tolist()).encode())
            yield recording

    def people(self) -> dict[str, str]:
        """Every person's digest, in the order in which they came."""
        return {person: digest.hexdigest()[:32] for person, digest in self._digests.items()}


def write_people(folder: Path, people: dict[str, str]) -> None:
    """Write ``data.json`` of a run."""
    with atomic_path(folder / FILE_NAME) as temporary:
        temporary.write_text(json.dumps({"people": people}, indent=1), encoding="utf-8")


def check_people(folder: Path, people: dict[str, str]) -> None:
    """Refuse other recordings than those a run began with; a folder without ``data.json`` says nothing.

    Args:
        folder: of the run.
        people: the digests of those there are now.

    Raises:
        MatposeError: somebody is new, missing or changed, or they come in another order.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))["people"]
        differences = {
            "missing": [person for person in before if person not in people],
            "new": [person for person in people if person not in before],
            "changed": [person for person in people if before.get(person, people[person]) != people[person]],
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise MatposeError("not the notes of a run", mend="start in another folder", path=path) from None
    told = [f"{_named(names)} {what}" for what, names in differences.items() if names]
    if not told and list(before) != list(people):
        told = ["they come in another order"]
    if told:
        raise MatposeError(
            f"the run there learns from other recordings: {', '.join(told)}",
            mend="resume with the data it began with, or start in another folder",
            path=folder,
        )


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{shown} {'is' if len(names) == 1 else 'are'}"
