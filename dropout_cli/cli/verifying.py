"""`dropout verify`."""

from dataclasses import asdict
from typing import Annotated

import typer

from dropout_cli.cli import arguments, screen
from dropout_cli.errors import Mismatch


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("verify")(verify)


def verify(
    run: arguments.RunReference,
    replay: Annotated[bool, typer.Option("--replay", help="Also train it again, and compare bytes.")] = False,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Check that RUN is as training left it, and agrees with itself; exit code 4 where it does not."""
    from dropout_cli import runs, verification

    found = runs.find(run, runs_dir)
    checks = verification.verify(found)
    if replay:
        from dropout_cli.replay import replay as train_again

        checks += train_again(found, watch=screen.Screen(quiet=quiet))
    if json:
        right = all(check.right for check in checks)
        screen.result(
            screen.as_json({"run": str(found.path), "right": right, "checks": [asdict(one) for one in checks]})
        )
    else:
        rows = [(check.what, "right" if check.right else "WRONG", check.fact) for check in checks]
        screen.result(screen.table(("what", "verdict", "fact"), rows))
    wrong = [check for check in checks if not check.right]
    if wrong:
        raise Mismatch(str(found.path), f"{len(wrong)} of {len(checks)} checks failed, the first: {wrong[0].what}")
