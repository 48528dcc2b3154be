"""``migrate replay FILE``: run a policy in the environment that it was trained in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from legacy_weights.cli.options import Debug, Json, Snapshot

if TYPE_CHECKING:
    from legacy_weights.models import Replay


def replay(
    file: Annotated[
        Path, Parameter(help="A GAIL log or a migrated file; FILE/snapshots/NAME names a snapshot.")
    ],
    /,
    *,
    env: Annotated[
        str | None, Parameter(help="Gymnasium's name of another environment than the log names.")
    ] = None,
    episodes: Annotated[int, Parameter(help="How many episodes to run.")] = 10,
    seed: Annotated[int, Parameter(help="Seed of the first episode.")] = 0,
    deterministic: Annotated[
        bool,
        Parameter(
            negative="--stochastic", help="Take the likeliest (mean) action, or draw actions."
        ),
    ] = True,
    snapshot: Snapshot = None,
    json: Json = False,
    debug: Debug = False,
) -> int:
    """Run a GAIL policy in Gymnasium, and print its returns beside those of the training log."""
    from legacy_weights import api
    from legacy_weights.choosing import choose_word, split_name
    from legacy_weights.cli import console
    from legacy_weights.models import load_policy
    from legacy_weights.models.replaying import find_logged_return
    from legacy_weights.models.replaying import replay as run

    path, inside = split_name(file)
    tree = api.read(path)
    chosen = choose_word(tree, snapshot or inside)
    result = run(
        load_policy(tree, chosen.name),
        env,
        episodes=episodes,
        seed=seed,
        deterministic=deterministic,
        logged_return=find_logged_return(tree, chosen.iteration),
    )
    if json:
        console.show_json(
            {
                "file": str(path),
                "snapshot": chosen.name,
                "environment": result.environment,
                "logged_environment": result.logged_environment,
                "deterministic": result.deterministic,
                "seed": result.seed,
                "returns": list(result.returns),
                "lengths": list(result.lengths),
                "mean": result.mean,
                "std": result.std,
                "logged_return": result.logged_return,
                "notes": list(result.notes),
            }
        )
    else:
        console.show(_lines(path.name, chosen.name, result))
    return 0


def _lines(file: str, snapshot: str, result: Replay) -> list[str]:
    from legacy_weights.terminal import clean

    how = "deterministic" if result.deterministic else "stochastic"
    lines = [f"{clean(file)}  {clean(snapshot)} in {result.environment}, {how}"]
    for number, (earned, length) in enumerate(zip(result.returns, result.lengths, strict=True)):
        lines.append(
            f"  episode {number}  seed {result.seed + number}  {earned:10.1f}  {length} steps"
        )
    lines.append(f"return    {result.mean:.1f} ± {result.std:.1f}")
    if result.logged_return is not None:
        lines.append(f"log       {result.logged_return:.1f}  ({result.logged_environment})")
    return lines + [f"note      {note}" for note in result.notes]
