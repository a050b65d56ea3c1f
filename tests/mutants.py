"""Mutation testing: small faults are put into a room of the package, one at a time, and its tests must notice each.

    python -m tests.mutants ROOM --count 200 --seed 0

ROOM is a folder below `dropout_cli/`, such as `statistics` or `nn/layers`. The tree is copied to a temporary folder;
there `--count` faults, drawn with `--seed` from all that the operators below can make, are written and undone one by
one, and the room's test files run one after the other, with -x and a time limit, until one fails. A line is printed
for each fault: killed (a test failed), timeout (a file took over three times as long as without it; it counts as
killed) or survived, with file, line, operator and the change. A fault that survives is a hole in the tests, or
equivalent: no input can tell it from the original.

    --tests PATH...     in place of the room's own tests; the most telling first
    --again FILE        only the faults that survived in this earlier output of the command
    --list              print the faults without trying them

Not part of the test suite: 200 faults take minutes. Needs `os.fork`. The terms: DeMillo, Lipton, Sayward 1978,
doi:10.1109/C-M.1978.218136.
"""

import argparse
import ast
import contextlib
import copy
import importlib
import math
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
TESTS = {
    "statistics": ("tests/statistics", "tests/sweeps/test_comparison.py"),
    "metrics": ("tests/metrics", "tests/tasks"),
    "objectives": ("tests/objectives", "tests/nn/test_losses.py", "tests/tasks", "tests/training/test_state.py"),
}
"""Where `tests/ROOM` is not all of a room's tests."""
PRELOADED = (
    "numpy",
    "scipy.stats",
    "scipy.special",
    "sklearn.metrics",
    "pandas",
    "pydantic",
    "pytest",
    "hypothesis.strategies",
)
"""Imported once, before the forks: most of the time of a short test run is these imports."""
MOST_BYTES = 12 << 30
"""Of address space for one run of the tests, so that a fault cannot take the machine's memory."""

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
PAIRS = (
    "min max, minimum maximum, argmin argmax, any all, sum mean, exp log, floor ceil, union1d intersect1d, zeros ones"
)
NAMES = dict(pair.split() for pair in PAIRS.split(", ")) | dict(pair.split()[::-1] for pair in PAIRS.split(", "))


class Mutant(NamedTuple):
    """A fault: bytes `start` to `end` of a file become `text`."""

    file: Path
    start: int
    end: int
    text: str
    operator: str
    where: str
    """file:line:column."""
    original: str

    def said(self) -> str:
        """One line: place, operator, change."""
        return f"{self.where} [{self.operator}] {' '.join(self.original.split())} -> {' '.join(self.text.split())}"


def swap(root: ast.AST, target: object, new: object) -> ast.AST:
    """A copy of `root` in which `new` stands for `target`."""
    return copy.deepcopy(root, {id(target): new})


def altered(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The operators: each fault that this node alone can have, and its name."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=right):
            for at, one in enumerate(ops):
                for other in COMPARISONS[type(one)]:
                    yield "comparison", ast.Compare(left, [*ops[:at], other(), *ops[at + 1 :]], right)
        case ast.BinOp(left=left, op=op, right=other_side) if type(op) in ARITHMETIC:
            yield "arithmetic", ast.BinOp(left, ARITHMETIC[type(op)](), other_side)
            yield "left operand alone", left
            yield "right operand alone", other_side
        case ast.UnaryOp(operand=operand):
            yield "sign removed", operand
        case ast.BoolOp(op=both, values=values):
            yield "and/or", ast.BoolOp(ast.Or() if isinstance(both, ast.And) else ast.And(), values)
        case ast.IfExp(body=body, orelse=orelse):
            yield "always", body
            yield "never", orelse
        case ast.Constant(value=bool(value)):
            yield "constant", ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield "constant", ast.Constant(value + 1)
            yield "constant", ast.UnaryOp(ast.USub(), ast.Constant(1)) if value == 0 else ast.Constant(value - 1)
        case ast.Constant(value=float(value)):
            yield "constant", ast.Constant(value * 2 or 1.0)
        case ast.Constant(value=str(value)):
            yield "text", ast.Constant(value + "XX")
        case ast.Call(func=func, args=args, keywords=keywords):
            if len(args) >= 2 and not any(isinstance(one, ast.Starred) for one in args[:2]):
                yield "arguments swapped", ast.Call(func, [args[1], args[0], *args[2:]], keywords)
            if args and not isinstance(args[0], ast.Starred | ast.GeneratorExp):
                yield "call removed", args[0]
            elif isinstance(func, ast.Attribute):
                yield "call removed", func.value
            for keyword in keywords:
                yield "keyword removed", ast.Call(func, args, [one for one in keywords if one is not keyword])
        case ast.Attribute(value=owner, attr=name) if name in NAMES:
            yield "name", ast.Attribute(owner, NAMES[name], ast.Load())
        case ast.Name(id=name) if name in NAMES:
            yield "name", ast.Name(NAMES[name], ast.Load())
        case ast.comprehension(ifs=[_, *others]):
            yield "condition removed", ast.comprehension(node.target, node.iter, others, node.is_async)
        case ast.AugAssign(target=target, op=op, value=amount):
            if type(op) in ARITHMETIC:
                yield "arithmetic", ast.AugAssign(target, ARITHMETIC[type(op)](), amount)
            yield "statement removed", ast.Pass()
        case ast.Return(value=value) if value is not None:
            yield "returns nothing", ast.Return(ast.Constant(None))
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]) | ast.Raise() | ast.Expr():
            yield "statement removed", ast.Pass()
        case ast.If(orelse=[]) | ast.For() | ast.While():
            yield "statement removed", ast.Pass()


def children(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a node in which a fault says something: no docstrings, types, `__all__` or words of errors."""
    match node:
        case ast.Raise():
            return
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.AnnAssign(annotation=ast.Name(id="TypeAlias")):
            return
        case ast.Subscript(value=ast.Name(id="Annotated" | "Literal" | "ClassVar")):
            return
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for one in value if isinstance(value, list) else [value]:
            docstring = isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
            if isinstance(one, ast.AST) and not docstring:
                yield one


def faults(node: ast.AST) -> Iterator[tuple[str, ast.AST, ast.AST]]:
    """Operator, the node to write anew, and what it becomes; parts of an f-string have no place of their own."""
    for operator, new in altered(node):
        if not isinstance(node, ast.comprehension):
            yield operator, node, new
    if isinstance(node, ast.If | ast.While):
        yield "condition turned", node.test, ast.UnaryOp(ast.Not(), node.test)
    for child in children(node):
        if isinstance(child, ast.comprehension):
            for operator, new in altered(child):
                yield operator, node, swap(node, child, new)
        if isinstance(node, ast.JoinedStr | ast.FormattedValue):
            for operator, old, new in faults(child):
                yield operator, node, swap(node, old, new)
        else:
            yield from faults(child)


def mutants(room: Path, root: Path) -> list[Mutant]:
    """Every fault of the room's files, in order, each once."""
    warnings.simplefilter("ignore", SyntaxWarning)  # a fault may be bad style
    found: dict[tuple[Path, str], Mutant] = {}
    for file in sorted(room.rglob("*.py")) if room.is_dir() else [room]:
        source = file.read_bytes()
        starts = [0, *(at + 1 for at, byte in enumerate(source) if byte == ord("\n"))]
        tree = ast.parse(source)
        for operator, old, new in faults(tree):
            if not isinstance(old, ast.expr | ast.stmt) or old.end_lineno is None or old.end_col_offset is None:
                continue
            start, end = starts[old.lineno - 1] + old.col_offset, starts[old.end_lineno - 1] + old.end_col_offset
            text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(new)))
            if isinstance(old, ast.expr) and not isinstance(new, ast.Constant | ast.JoinedStr | ast.Name):
                text = f"({text})"
            whole = source[:start] + text.encode() + source[end:]
            try:
                changed = ast.dump(ast.parse(whole)) != ast.dump(tree)
            except SyntaxError:
                continue
            relative = file.relative_to(root)
            where = f"{relative}:{old.lineno}:{old.col_offset + 1}"
            one = Mutant(relative, start, end, text, operator, where, source[start:end].decode())
            if changed:
                found.setdefault((relative, ast.dump(ast.parse(whole))), one)
    return list(found.values())


def ordered(tests: Sequence[str], module: Path) -> list[str]:
    """The files of these tests, those first that name the module."""
    name = ".".join(module.with_suffix("").parts).removesuffix(".__init__")
    files = [
        str(file)
        for one in tests
        for file in (sorted(Path(one).rglob("test_*.py")) if Path(one).is_dir() else [Path(one)])
    ]
    return sorted(dict.fromkeys(files), key=lambda file: name not in Path(file).read_text())


def passes(tree: Path, file: str, seconds: float) -> str:
    """Run the tests of a file in a fork: `survived` where all pass, `killed` where one fails, `timeout`."""
    child = os.fork()
    if child == 0:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
        output = os.open(tree / "output.txt", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        for stream in (0, 1, 2):
            os.dup2(output, stream)
        sys.path.insert(0, str(tree))
        del sys.modules["tests"]  # this file's own package, which is not the copy
        import pytest

        options = ["-q", "-x", "--tb=short", "--assert=plain", "-p", "no:cacheprovider"]
        with contextlib.suppress(BaseException):
            os._exit(int(pytest.main([*options, file]) != 0))
        os._exit(1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return "survived" if status == 0 else "killed"
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "timeout"


def main() -> None:
    """Parse, copy, draw, try, count."""
    parser = argparse.ArgumentParser(description="Mutation testing of a room of the package.")
    parser.add_argument("room", help="folder or file below dropout_cli/")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tests", nargs="+")
    parser.add_argument("--again", type=Path)
    parser.add_argument("--list", action="store_true")
    asked = parser.parse_args()
    again = None if asked.again is None else asked.again.read_text()
    with tempfile.TemporaryDirectory(prefix="mutants-") as temporary:
        tree = Path(temporary).resolve()
        for name in ("dropout_cli", "tests", "configs", "pyproject.toml", "README.md"):
            whole = ROOT / name
            (shutil.copytree if whole.is_dir() else shutil.copy2)(whole, tree / name)
        os.chdir(tree)
        os.environ |= {"PYTHONPATH": str(tree), "OPENBLAS_NUM_THREADS": "1"}
        for cached in tree.rglob("__pycache__"):
            shutil.rmtree(cached)
        known = mutants(tree / "dropout_cli" / asked.room, tree)
        chosen = sorted(random.Random(asked.seed).sample(range(len(known)), min(asked.count, len(known))))
        drawn = [known[at] for at in chosen]
        if again is not None:
            drawn = [one for one in known if f"survived {one.said()}\n" in again]
        print(f"{len(drawn)} of {len(known)} faults in {asked.room}, seed {asked.seed}", flush=True)  # noqa: T201
        if asked.list:
            print("\n".join(one.said() for one in drawn))  # noqa: T201
            return
        for name in PRELOADED:
            importlib.import_module(name)
        tests = asked.tests or TESTS.get(asked.room, (f"tests/{asked.room}",))
        limits: dict[str, float] = {}
        for file in ordered(tests, Path("none")):
            began = time.monotonic()
            if passes(tree, file, math.inf) != "survived":
                sys.exit((tree / "output.txt").read_text() + "The tests fail without a fault.")
            limits[file] = 10 + 3 * (time.monotonic() - began)
        # What is compiled by now is used again; a fault has a later time than its file, so it is never taken for it.
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        sys.dont_write_bytecode = True
        counts: Counter[str] = Counter()
        for one in drawn:
            source = (tree / one.file).read_bytes()
            (tree / one.file).write_bytes(source[: one.start] + one.text.encode() + source[one.end :])
            verdicts = (passes(tree, file, limits[file]) for file in ordered(tests, one.file))
            verdict = next((verdict for verdict in verdicts if verdict != "survived"), "survived")
            (tree / one.file).write_bytes(source)
            counts[verdict] += 1
            print(f"{verdict} {one.said()}", flush=True)  # noqa: T201
        print(", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items())))  # noqa: T201


if __name__ == "__main__":
    main()
