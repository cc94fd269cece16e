"""Where a verb writes: a place for every input, never over an input, and over nothing else unless told so."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from matpose.errors import MatposeError


def refuse_to_overwrite(output: Path, inputs: Iterable[Path], *, force: bool) -> None:
    """Stop before a file that is wanted is lost.

    Args:
        output: the file to write.
        inputs: files that must survive whatever ``force`` says.
        force: whether another existing file may be replaced.

    Raises:
        MatposeError: it would be lost.
    """
    if not output.exists():
        return
    if any(path.exists() and output.samefile(path) for path in inputs):
        raise MatposeError("this is the input, which is never overwritten", mend="choose another name", path=output)
    if output.is_dir() or not force:
        raise MatposeError("this exists already", mend="choose another name, or give --force", path=output)


def folder_names(paths: list[Path]) -> list[str]:
    """A folder name for every input: its stem; where two are alike, with its folder's name, then with a number."""
    stems = [path.stem for path in paths]
    names: list[str] = []
    for path in paths:
        base = path.stem if stems.count(path.stem) == 1 else f"{path.resolve().parent.name}-{path.stem}"
        name, number = base, 2
        while name in names:
            name, number = f"{base}-{number}", number + 1
        names.append(name)
    return names
