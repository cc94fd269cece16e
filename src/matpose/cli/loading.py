"""Recordings from what stands on the command line, with a word on the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from matpose.recording import Recording


def reading(
    specs: Iterable[str],
    console: Console,
    *,
    subjects: str | None = None,
    mat_options: dict[str, Any] | None = None,
) -> Iterator[Recording]:
    """The recordings of datasets, folders and files, one at a time, behind a spinner that counts them."""
    from matpose.datasets import load

    given = {name: value for name, value in (mat_options or {}).items() if value not in (None, False, 0)}
    with console.status("reading recordings") as status:
        count = 0
        for spec in specs:
            for recording in load(spec, subjects=subjects, **given):
                count += 1
                status.update(f"reading recordings: {count} ({recording.name})")
                yield recording
