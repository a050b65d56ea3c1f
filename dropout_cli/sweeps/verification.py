"""Whether a sweep's folder still says what its runs say."""

from dropout_cli.errors import DropoutError
from dropout_cli.runs import Run
from dropout_cli.sweeps import stored, tables
from dropout_cli.sweeps.evidence import weigh
from dropout_cli.sweeps.folder import Folder
from dropout_cli.verification import Check
from dropout_cli.verification import verify as verify_run


def verify(folder: Folder) -> list[Check]:
    """Look at every cell of the plan, and compute the tables anew. Raises UsageError where the plan is damaged."""
    records, plan = stored.read(folder)
    checks = []
    for one in plan.cells:
        if not folder.is_complete(one.id):
            reason = folder.failure(one.id)
            checks.append(Check(f"cells/{one.id}", False, f"failed ({reason})" if reason else "is not complete"))
            continue
        run = Run(folder.cell(one.id))
        wrong = [check for check in verify_run(run) if not check.right]
        fact = f"{wrong[0].what}: {wrong[0].fact}" if wrong else "is as training left it"
        checks.append(Check(f"cells/{one.id}", not wrong, fact))
        if not wrong and run.summary()["config"]["dataset"]["fingerprint"] != one.fingerprint:
            checks.append(Check(f"cells/{one.id}", False, "was trained on other data than the plan says"))
    evidence = weigh(records, plan.keys, metric=plan.metric, baseline=plan.baseline, margin=plan.margin)
    made = {
        "results.csv": tables.results_csv(records, plan.keys),
        "summary.csv": tables.summary_csv(evidence),
        "comparisons.csv": tables.comparisons_csv(evidence),
    }
    for name, data in made.items():
        try:
            right = folder.read(name) == data
        except DropoutError:
            right = False
        checks.append(Check(name, right, f"{'follows' if right else 'does not follow'} from the cells"))
    return checks
