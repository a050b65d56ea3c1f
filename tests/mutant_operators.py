"""Faults that mutation testing (`tests.mutants`) can put into a file.

They change comparisons, arithmetic, constants, boolean operators, conditions and returned values, remove statements,
calls and keywords, swap arguments, and replace functions by their opposites. Docstrings, types and the texts of errors
stay unchanged.
"""

import ast
import copy
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

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
    """A fault: bytes `start` to `end` of a file are replaced by `text`."""

    file: Path
    start: int
    end: int
    text: str
    operator: str
    where: str
    """file:line:column."""
    original: str

    def said(self) -> str:
        """Return one line: place, operator, change."""
        return f"{self.where} [{self.operator}] {' '.join(self.original.split())} -> {' '.join(self.text.split())}"


def swap(root: ast.AST, target: object, new: object) -> ast.AST:
    """Return a copy of `root` in which `new` replaces `target`."""
    return copy.deepcopy(root, {id(target): new})


def altered(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield name and result of each fault that changes only this node."""
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
    """Yield the parts of a node that may have faults.

    Docstrings, types, `__all__` and texts of errors may not.
    """
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
    """Yield operator, old node and new node of every fault.

    Within an f-string, the old node is the whole string.
    """
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
    """Return every fault of the room's files in order, without duplicates."""
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
