"""Recordings from what stands on the command line, with a word on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from matpose.recording import Recording


def reading(
    specs: Iterable[str], console: Console, *, subjects: str | None = None, mat_options: dict[str, Any] | None = None
) -> Iterator[Recording]:
    """The recordings of datasets, folders and files, one at a time, behind a spinner that counts them.

    At the end it says which remarks hold for how many of them.
    """
    from matpose.datasets import load
    from matpose.remarks import remarks

    given = {name: value for name, value in (mat_options or {}).items() if value not in (None, False, 0)}
    said: Counter[str] = Counter()
    count = 0
    with console.status("reading recordings") as status:
        for spec in specs:
            for recording in load(spec, subjects=subjects, **given):
                count += 1
                status.update(f"reading recordings: {count} ({recording.name})")
                said.update(remarks(recording))
                yield recording
    for remark, times in said.most_common(6):
        console.print(f"[yellow]note[/] in {times} of {count} recordings: {remark}")
