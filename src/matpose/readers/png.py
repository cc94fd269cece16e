"""Greyscale pictures: one map a file, 8 or 16 bits a cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from matpose.errors import UnreadableFile
from matpose.readers.contents import Contents, array_contents
from matpose.readers.files import MAX_SIDE


def sniff(head: bytes) -> bool:
    """Whether these are the first bytes of a PNG."""
    return head.startswith(b"\x89PNG\r\n\x1a\n")


def read(path: Path) -> Contents:
    """Contents of a greyscale PNG.

    Raises:
        UnreadableFile: damaged, in colour, or larger than any mat.
    """
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            if max(picture.size) > MAX_SIDE:  # known from the header, before anything is unpacked
                raise UnreadableFile(
                    f"a picture of {picture.height} x {picture.width} pixels is larger than any mat",
                    mend="give one pixel a cell of the mat",
                    path=path,
                )
            if picture.mode not in ("L", "I;16"):
                raise UnreadableFile(
                    f"a picture of mode {picture.mode} has no pressure values",
                    mend="export grey values of 8 or 16 bits, not a coloured view",
                    path=path,
                )
            array = np.asarray(picture)
    except UnreadableFile:
        raise
    except Exception as error:  # Pillow's decoders fail in many ways
        raise UnreadableFile(
            f"this PNG is damaged: {error}".splitlines()[0][:200], mend="export or fetch it again", path=path
        ) from error
    return array_contents(path, "png", array[None], framed=True)
