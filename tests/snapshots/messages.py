"""Read every message of the package from its source.

A call that makes an error gives the line that a user sees: `place: fact. way out.`. Any other text of two words and
more is listed as it stands. Placeholders are in braces; `(a | b)` is one or the other.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import dropout_cli
from dropout_cli.core import errors

PACKAGE = Path(dropout_cli.__file__).parent
ERRORS = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
PLAIN_ERRORS = {"LookupError", "TypeError", "ValueError", "_Fault", "Unable", "UnknownName", "RuntimeError"}
"""Their text becomes a part of a line."""
SPOKEN = {"complain": "line", "notice": "line", "result": "shown"}
LABELS = {"set_title", "set_xlabel", "set_ylabel", "suptitle"}
LABEL_ARGUMENTS = {"title", "xlabel", "ylabel", "label", "help"}
MOST_ALTERNATIVES, LONGEST_PLACEHOLDER = 4, 30
UNREAD = {"compile", "sub", "search", "match", "fullmatch", "getLogger", "Literal", "TypeVar", "split", "replace"}
"""Calls whose texts are for programs."""

Texts = Mapping[str, list[ast.expr]]


@dataclass(frozen=True)
class Message:
    """A text, where it stands, and what it is: `line`, `part`, `text`, `shown`, `label` or `doc`."""

    file: str
    line: int
    kind: str
    text: str


def collected(package: Path = PACKAGE) -> list[Message]:
    """Return all messages, sorted by file and order of appearance."""
    found = []
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text())
        name = path.relative_to(package.parent).as_posix()
        reader = _Reader(name, _texts(tree.body))
        reader.visit(tree)
        found += sorted(dict.fromkeys(reader.found), key=lambda one: one.line)
    return found


def rooms() -> dict[str, str]:
    """Return the contents of `messages/<room>.txt`."""
    written: dict[str, list[str]] = {}
    last = ""
    for one in collected():
        parts = one.file.split("/")
        lines = written.setdefault(parts[1] if len(parts) > 2 else "package", [])
        if one.file != last:
            lines += [*([""] if lines else []), f"# {one.file}"]
        last = one.file
        lines.append(f"{one.kind:5}  {one.text}")
    return {room: "\n".join(lines) + "\n" for room, lines in written.items()}


def _texts(body: list[ast.stmt]) -> dict[str, list[ast.expr]]:
    """Return the expressions that make texts, by the names to which a body assigns them."""
    found: dict[str, list[ast.expr]] = {}
    for node in _own(body):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                for name, value in _pairs(target, node.value):
                    found.setdefault(name, []).append(value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found.setdefault(node.target.id, []).append(node.value)
    return {name: values for name, values in found.items() if any(map(_is_text, values))}


def _own(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the nodes of a body without those of functions and classes in it."""
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            todo = [*ast.iter_child_nodes(node), *todo]


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, other in zip(target.elts, value.elts, strict=True):
            yield from _pairs(one, other)


def _is_text(node: ast.expr) -> bool:
    """Whether an expression spells a text out."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _is_text(left) or _is_text(right)
        case ast.IfExp(body=body, orelse=orelse):
            return _is_text(body) or _is_text(orelse)
    return False


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_prose(text: str) -> bool:
    """Whether there are two words in it, beside each other."""
    bare = re.sub(r"\{[^{}]*\}", "x", text)
    return bool(re.search(r"[A-Za-z]{2,}[,:;']?s? [A-Za-z(]|[a-z] [A-Za-z]{2,}", bare)) and not re.match(
        r"<!|[a-z]+\[|\n",
        bare,  # markup, and the programs of examples
    )


@dataclass
class _Reader(ast.NodeVisitor):
    """Collects the messages of a module."""

    file: str
    module: Texts
    found: list[Message] = field(default_factory=list)
    local: list[Texts] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    columns: dict[int, int] = field(default_factory=dict)
    """Where the statement begins in which an expression stands."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.local.append(_texts(node.body))
        calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
        for call in calls:  # first, since they use texts that are assigned before
            self._error(call)
        for statement in self._without_docstring(node.body):
            self.visit(statement)
        for default in (*node.args.defaults, *node.args.kw_defaults, *(one.annotation for one in node.args.args)):
            if default is not None:
                self.visit(default)
        self.local.pop()

    def visit_Module(self, node: ast.Module) -> None:
        for statement in ast.walk(node):  # outer ones come first
            if isinstance(statement, ast.stmt):
                self.columns |= {id(one): statement.col_offset for one in ast.walk(statement)}
        for statement in self._without_docstring(node.body):
            self.visit(statement)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        registered = any(isinstance(one, ast.Call) and _name(one.func) == "register" for one in node.decorator_list)
        if registered and (doc := ast.get_docstring(node)):
            self._note(node, "doc", doc)
        fields_with_text = registered or any("dataclass" in ast.unparse(one) for one in node.decorator_list)
        for statement in self._without_docstring(node.body):
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                if registered and fields_with_text and isinstance(statement.value.value, str):
                    self._note(statement, "doc", statement.value.value)
            else:
                self.visit(statement)
        for decorator in node.decorator_list:
            self.visit(decorator)

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring of a constant
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = _name(node.func)
        if name in UNREAD:
            return
        self._error(node)
        kind = SPOKEN.get(name, "label" if name in LABELS else "")
        if name == "table" and isinstance(node.func, ast.Attribute) and _name(node.func.value).endswith("output"):
            kind = "label"
        if kind:
            for argument in node.args:
                for one in argument.elts if isinstance(argument, ast.Tuple | ast.List) else [argument]:
                    if _is_text(one) and id(one) not in self.used:
                        self._emit(one, kind)
        for keyword in node.keywords:
            if keyword.arg in LABEL_ARGUMENTS and _is_text(keyword.value):
                self._emit(keyword.value, "label")
        self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.expr) and _is_text(node):
            if id(node) not in self.used and _is_prose(self._rendered(node)):
                self._emit(node, "text")
            for inner in ast.walk(node):
                if isinstance(inner, ast.Call):
                    self._inside(inner)
            return
        super().generic_visit(node)

    def _inside(self, call: ast.Call) -> None:
        """Read the texts in a placeholder, which the text around it does not show."""
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            self.visit(argument)

    def _error(self, node: ast.Call) -> None:
        """Note the line of a call that makes an error, or a mistake of a config."""
        name, arguments = _name(node.func), list(node.args)
        if name == "by" and isinstance(node.func, ast.Attribute) and _name(node.func.value) in ERRORS:
            arguments = arguments[1:]
        elif name == "add" and isinstance(node.func, ast.Attribute) and "mistakes" in ast.unparse(node.func.value):
            if len(arguments) < 3:
                return
            key = arguments[1]
            arguments = arguments[:1] + arguments[2:]
            if id(node) not in self.used:
                self._note_line(node, arguments, key)
            return
        elif name in PLAIN_ERRORS:
            if arguments and _is_text(arguments[0]) and id(node) not in self.used:
                self.used.add(id(node))
                self._emit(arguments[0], "part")
            return
        elif name not in ERRORS | {"fail", "_damaged", "divergence_error", "_unreadable"}:
            return
        if len(arguments) >= 2 and id(node) not in self.used:
            self._note_line(node, arguments, None)

    def _note_line(self, node: ast.Call, arguments: list[ast.expr], key: ast.expr | None) -> None:
        if any(isinstance(one, ast.Starred) for one in arguments):
            return
        self.used.add(id(node))
        keywords = [keyword.value for keyword in node.keywords if keyword.arg in ("fact", "way_out")]
        place, *facts = (self._rendered(one, use=True) for one in [*arguments, *keywords])
        if key is not None and (name := self._rendered(key, use=True)):
            facts[0] = f"{name}: {facts[0]}"
        self._note(node, "line", str(errors.Problem(place, facts[0], " ".join(facts[1:]))))

    def _emit(self, node: ast.expr, kind: str) -> None:
        text = self._rendered(node, use=True)
        if text.strip():
            self._note(node, kind, text)

    def _note(self, node: ast.AST, kind: str, text: str) -> None:
        self.found.append(Message(self.file, getattr(node, "lineno", 0), kind, " ".join(text.split())))

    def _rendered(self, node: ast.expr, *, use: bool = False, depth: int = 0) -> str:
        """Return the text of an expression; `use` notes that its parts are shown here."""
        if use:
            self.used.add(id(node))
        match node:
            case ast.Constant(value=value):
                return str(value)
            case ast.JoinedStr(values=values):
                return "".join(self._rendered(value, use=use, depth=depth) for value in values)
            case ast.FormattedValue(value=value):
                return self._rendered(value, use=use, depth=depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right) if _is_text(node):
                return self._rendered(left, use=use, depth=depth) + self._rendered(right, use=use, depth=depth)
            case ast.IfExp(body=body, orelse=orelse) if _is_text(node):
                either = (self._rendered(one, use=use, depth=depth) for one in (body, orelse))
                return f"({' | '.join(either)})"
            case ast.BoolOp(values=values):
                return f"({' | '.join(self._rendered(one, use=use, depth=depth) for one in values)})"
            case ast.Call(func=ast.Attribute(value=value, attr="lstrip" | "rstrip" | "strip" | "replace" | "format")):
                return self._rendered(value, use=use, depth=depth)
            case ast.Name() if depth < 3 and (values := self._known(node)):
                if len(values) <= MOST_ALTERNATIVES and all(map(_is_text, values)):
                    texts = [self._rendered(one, use=use, depth=depth + 1) for one in values]
                    return texts[0] if len(texts) == 1 else f"({' | '.join(texts)})"
        spelled = re.sub(r"\s+", " ", ast.unparse(node))
        return f"{{{spelled if len(spelled) <= LONGEST_PLACEHOLDER else _name_of(node)}}}"

    def _known(self, node: ast.Name) -> list[ast.expr]:
        """Return the texts that a name may stand for: what is assigned to it last, before `node` and for all of it."""
        texts = next((texts for texts in (*reversed(self.local), self.module) if node.id in texts), {})
        before = [one for one in texts.get(node.id, []) if one.lineno <= node.lineno]
        sure = [n for n, one in enumerate(before) if self.columns.get(id(one), 0) <= self.columns.get(id(node), 0)]
        return before[sure[-1] :] if sure else before or texts.get(node.id, [])

    def _without_docstring(self, body: list[ast.stmt]) -> list[ast.stmt]:
        first = body[0] if body else None
        has_one = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        return body[1:] if has_one else body


def _name_of(node: ast.expr) -> str:
    """Return a short name for what stands in a placeholder."""
    match node:
        case ast.Call(func=ast.Attribute(attr="join"), args=[inner]):
            return _name_of(inner)
        case ast.GeneratorExp(generators=[first, *_]) | ast.ListComp(generators=[first, *_]):
            return _name_of(first.iter)
        case ast.Call(func=func, args=args):
            return f"{_name(func)}(...)" if args else f"{_name(func)}()"
        case ast.Attribute(attr=attr):
            return attr
        case ast.Subscript(value=value):
            return f"{_name_of(value)}[...]"
        case ast.Name(id=name):
            return name
    return "..."
