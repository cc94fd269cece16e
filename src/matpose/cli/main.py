"""`matpose VERB`: registers the verbs, and turns every user error into one red line and exit code 2."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import typer

from matpose import __version__
from matpose.errors import MatposeError

VERBS = (
    "demo", "inspect", "convert", "clean", "calibrate", "simulate", "train", "evaluate", "compare", "info",
    "predict", "adapt", "export", "bench", "serve", "report", "label",
)  # fmt: skip
EXTRA_OF = {
    "mujoco": "simulate", "anny": "bodies", "openvino": "openvino", "ray": "cluster", "pyarrow": "cluster",
    **dict.fromkeys(("fastapi", "uvicorn", "websockets", "aiomqtt", "serial"), "live"),
}  # fmt: skip
"""Which extra brings a package; all others are for training."""

app = typer.Typer(
    name="matpose",
    help="Body keypoints and posture from any pressure mat. Research use; not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
for verb in VERBS:
    app.command(verb)(getattr(import_module(f"matpose.cli.{verb}"), verb))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"matpose {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Entry point of the `matpose` command."""
    # threads that spin while they wait make a shared machine ten times slower; must be said before torch loads
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except MatposeError as error:
        typer.secho(f"matpose: {error}", fg="red", err=True)
        sys.exit(2)
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name == "matpose":
            raise
        mend = f"pip install 'matpose[{EXTRA_OF.get(name, 'train')}]'"
        typer.secho(f"matpose: this needs the package {name!r}. Mend: {mend}.", fg="red", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.secho("matpose: interrupted", fg="red", err=True)
        sys.exit(130)
