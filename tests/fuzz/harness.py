"""Fuzz one reader under Atheris, which steers by the readers' own lines: ``harness.py READER FOLDER [-flag=N]...``.

Flags are libFuzzer's. FOLDER keeps the corpus; the seeds are put there first. Atheris writes what breaks the promise
to ``crash-*``, ``timeout-*`` or ``oom-*`` and leaves with an error.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from random import Random

STRUCTURED = 0.5  # share of mutations that keep the format's structure


def main(name: str, folder: Path, flags: list[str]) -> None:
    """Fuzz until the flags' limits or the first broken promise."""
    atheris = import_module("atheris")  # there is none but for Linux
    with atheris.instrument_imports(include=["matpose.readers"]):
        from promise import READERS, keep_promise
    from mutate import mutate
    from seeds import SEEDS

    corpus, file = folder / "corpus", folder / "case"
    corpus.mkdir(parents=True, exist_ok=True)
    for index, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{index}").write_bytes(seed)

    def one_case(data: bytes) -> None:
        file.write_bytes(data)
        keep_promise(READERS[name], file)

    def another_case(data: bytes, max_size: int, seed: int) -> bytes:
        rng = Random(seed)
        if rng.random() < STRUCTURED:
            return mutate(name, data, rng)[:max_size]
        return atheris.Mutate(data, max_size)

    atheris.Setup([sys.argv[0], str(corpus), *flags], one_case, custom_mutator=another_case)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
