"""What Matpose says to a person when it cannot go on: the problem, its place and its mend."""

from __future__ import annotations

from os import PathLike


class MatposeError(Exception):
    """A problem the user can mend.

    Every failure that the user's files, settings or calls can cause is one of these; the command
    line shows it as one red line and exits with code 2.

    Args:
        problem: what is wrong, in one clause.
        mend: what to do about it, in one clause.
        path: the file or folder concerned.
        place: where in the file ("line 12", "dataset 'frames'").

    Example:
        >>> print(MatposeError("the bed is on fire", mend="call for help", path="bed.csv"))
        bed.csv: the bed is on fire. Mend: call for help.
    """

    def __init__(
        self,
        problem: str,
        *,
        mend: str,
        path: str | PathLike[str] | None = None,
        place: str | None = None,
    ) -> None:
        self.problem = problem
        self.mend = mend
        self.path = None if path is None else str(path)
        self.place = place
        where = ", ".join(part for part in (self.path, place) if part)
        super().__init__(f"{where}: {problem}. Mend: {mend}." if where else f"{problem}. Mend: {mend}.")

    def __reduce__(self) -> tuple:
        # an exception from another process is built anew from its message, which is not what __init__ takes
        return MatposeError.__new__, (type(self), *self.args), self.__dict__


class UnreadableFile(MatposeError):
    """The bytes of a file are not a recording that Matpose can read."""


class UnknownMat(MatposeError):
    """A file does not say which mat made it, and nobody else did.

    Args:
        candidates: names of the presets whose grid fits the file.
    """

    def __init__(
        self,
        problem: str,
        *,
        candidates: tuple[str, ...] = (),
        path: str | PathLike[str] | None = None,
        place: str | None = None,
    ) -> None:
        self.candidates = candidates
        named = f"--mat {' | '.join(candidates)}, or " if candidates else ""
        super().__init__(problem, mend=f"give {named}--rows, --cols and --pitch-mm", path=path, place=place)


class RecipeError(MatposeError):
    """A training recipe has an unknown key or a value out of its range."""


class DatasetError(MatposeError):
    """A folder does not hold the dataset it was said to hold."""


class ModelError(MatposeError):
    """A trained model cannot be loaded, or does not fit the task."""


class Diverged(ModelError):
    """A training whose loss is no number any more: other settings may do, the same ones will not."""
