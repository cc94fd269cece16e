"""`matpose evaluate`: a fixed protocol on a labelled dataset, written as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="A recipe's name (encoders are trained as the protocol says), or a run's folder.",
        ),
    ],
    dataset: Annotated[str, typer.Option(metavar="SPEC", help="For example pmatdata:PATH.")],
    json: Annotated[Path, typer.Option("--json", metavar="FILE", help="Where the figures go.")],
    protocol: Annotated[str, typer.Option(help="loso3, loso17, transfer or frozen; see below.")] = "loso3",
    train_subjects: Annotated[
        str | None, typer.Option(metavar="WHO", help="Who may train, e.g. i:1-6,8; nobody who is tested ever does.")
    ] = None,
    test_subjects: Annotated[str | None, typer.Option(metavar="WHO", help="Who is tested, e.g. ii:1-2.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Classifiers a fold, with other seeds.")] = 3,
    groups: Annotated[
        int, typer.Option(min=2, help="Groups of people that share an encoder which saw none of them.")
    ] = 4,
    brief: Annotated[
        bool, typer.Option("--brief", help="Of the graph nets only the primary one: much faster.")
    ] = False,
    runs: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of the encoders; whole ones are used again.")
    ] = Path("runs/evaluate"),
    change: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto, for training encoders.")] = "cpu",
) -> None:
    """Measure posture and keypoints honestly: people are tested by encoders and classifiers that never saw them.

    loso3: three postures, every person tested once by what learned from all others. loso17: likewise for PmatData's
    seventeen postures. transfer: trained on one mat, tested on other people on another mat. frozen: the encoder is
    another mat's, classifiers are fitted on other people of the tested mat.

    Of PmatData, experiment i is the one mat and ii the other, unless --train-subjects and --test-subjects say more.
    A trained run as MODEL is the quick variant: one encoder for all; each row says whether it saw the people tested.

    Beside FILE stands a page with pictures of the same name, ending in .html.
    """
    import json as json_format
    import sys

    from rich.console import Console
    from rich.table import Table

    from matpose.atomic import atomic_path
    from matpose.errors import MatposeError
    from matpose.evaluation.posture_report import posture_report
    from matpose.training.protocol import PROTOCOLS, run_protocol

    if protocol not in PROTOCOLS:
        raise MatposeError(f"there is no protocol {protocol!r}", mend=f"use one of {', '.join(PROTOCOLS)}")
    console = Console(stderr=True)
    answer = run_protocol(
        model,
        dataset,
        protocol,
        train_subjects=train_subjects,
        test_subjects=test_subjects,
        seeds=seeds,
        group_count=groups,
        folder=runs,
        changes=tuple(change or ()),
        brief=brief,
        device=device,
        say=console.print,
    )
    answer["command"] = " ".join(["matpose", *sys.argv[1:]])
    with atomic_path(json) as temporary:
        temporary.write_text(json_format.dumps(answer, indent=1) + "\n", encoding="utf-8")
    page = posture_report(answer, json.with_suffix(".html"))
    table = Table("row", "frames", "balanced", "recordings", "wrong recordings", title=f"{protocol}: {model}")
    for row in answer["rows"]:
        wrong = row["wrong_recordings"]
        table.add_row(
            ("* " if row["primary"] else "") + row["name"],
            f"{row['accuracy']:.2%}",
            f"{row['balanced_accuracy']:.2%}",
            f"{row['accuracy_recordings']:.2%}",
            ", ".join(wrong[:6]) + (" ..." if len(wrong) > 6 else ""),
        )
    console.print(table)
    console.print(f"* primary, fixed beforehand. Written to {json}; pictures in {page}")
