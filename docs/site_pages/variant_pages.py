"""One page per dropout variant: equations, an example with its figure, keys, when to use it, traps, and the paper."""

import re
from collections.abc import Mapping
from typing import Any

from dropout_cli.config import example_config
from dropout_cli.plots.canvas import as_svg
from dropout_cli.plots.worked_example import example_figure
from dropout_cli.variants import VARIANTS, Variant
from dropout_cli.variants.toolkit.catalog import describe_variant, list_variants
from dropout_cli.variants.toolkit.worked_example import tables_per_row, worked_example
from site_pages import markdown
from site_pages.key_pages import keys_of
from site_pages.registries import built_in

WHEN, NOTES = "When to use: ", "Notes: "
"""How the paragraphs of a module's docstring begin that have a section of their own."""
NOTATION = (
    "`(.)` multiplies element by element, `~` means *is drawn from*, and `'` is the transpose. `x` is the input of the "
    "layer, `z` the value before the activation, `a` the value that the noise acts on, and `y` the result."
)
NEEDS = {
    "vectors": "dense hidden layers",
    "maps": "feature maps (`architecture: cnn` or `resnet`)",
    "either": "dense layers or feature maps",
    "blocks": "residual blocks (`architecture: resnet`)",
}
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_DARK_RULES = re.compile(rb"@media \(prefers-color-scheme:dark\)\{(:root\{[^}]*\})\}")


def pages() -> Mapping[str, str | bytes]:
    """Return the pages of all variants, their figures, and the list of variants."""
    variants = built_in(VARIANTS)
    found: dict[str, str | bytes] = {"index.md": _index([name for name, _ in variants])}
    for name, cls in variants:
        found[f"{name}.md"] = variant_page(name, cls)
        found |= {f"{name}-{scheme}.svg": picture for scheme, picture in figures(name, cls).items()}
    return found


def _index(names: list[str]) -> str:
    rows = [row for row in list_variants() if row["name"] in names]
    return markdown.page(
        "All variants",
        f"The {len(names)} kinds of dropout. [Variants and objectives](../variants.md) helps to choose one.",
        markdown.table(
            ("variant", "in one line", "acts on", "learns"),
            (
                (
                    f"[{row['name']}]({row['name']}.md)",
                    *(markdown.escaped(row[key]) for key in ("about", "acts_on", "learns")),
                )
                for row in rows
            ),
        ),
        markdown.contents(f"{name}.md" for name in names),
    )


def sections(text: str) -> tuple[str, str, str, str, str]:
    """Split the docstring of a variant's module.

    Args:
        text: The docstring.

    Returns:
        The first line, the equations with what explains them, when to use the variant, its traps, and the papers.
    """
    first, *paragraphs = re.split(r"\n\s*\n", text.strip())
    equations, when, notes, papers = [], [], [], []
    for paragraph in paragraphs:
        if paragraph.startswith(WHEN):
            when.append(paragraph.removeprefix(WHEN))
        elif paragraph.startswith(NOTES):
            notes.append(paragraph.removeprefix(NOTES))
        elif _YEAR.search(paragraph) and not paragraph.startswith("    "):
            papers.append(paragraph)
        else:
            equations.append(paragraph)
    equations_text, *others = ("\n\n".join(group) for group in (equations, when, notes, papers))
    return (first, equations_text, others[0], others[1], others[2])


def variant_page(name: str, cls: type[Variant]) -> str:
    """Return the page of a variant.

    Args:
        name: Its name in YAML.
        cls: Its class.
    """
    entry = describe_variant(cls)
    first, equations, when, notes, papers = sections(entry["text"])
    paper = entry["paper"] if entry["paper"] != "-" else "none"
    facts = {
        "acts on": markdown.escaped(entry["acts_on"]),
        "learns": markdown.escaped(entry["learns"]),
        "needs": NEEDS[cls.supports],
        "paper": markdown.with_links(markdown.escaped(paper)),
    }
    return markdown.page(
        markdown.code(name),
        markdown.escaped(first),
        markdown.table(("", ""), ((f"**{key}**", value) for key, value in facts.items())),
        "## Equations",
        markdown.with_links(markdown.from_docstring(equations)),
        NOTATION,
        *_example(name, entry),
        "## In a config",
        f"`dropout train variants/{name}` trains with this file:",
        markdown.fence("yaml", example_config(name)),
        keys_of(cls, "../reference/"),
        "## When to use it",
        capitalized(when),
        "## Traps",
        capitalized(notes),
        "## Reference",
        markdown.with_links(markdown.from_docstring(papers)) if papers else f"Paper: {paper}.",
        f"`dropout variants {name} --full` prints the same in a terminal.",
    )


def capitalized(text: str) -> str:
    """Return a paragraph in Markdown that begins with a capital letter."""
    plain = " ".join(text.split())
    return markdown.escaped(plain[:1].upper() + plain[1:])


def _example(name: str, entry: Mapping[str, Any]) -> list[str]:
    """Return the parts about the worked example; none for a variant without one."""
    if "example" not in entry:
        return []
    example = entry["example"]
    settings = ", ".join(f"`{key}: {markdown.yaml_value(value)}`" for key, value in example["settings"].items())
    return [
        "## A training pass",
        "In NumPy:",
        markdown.fence("python", example["numpy"]),
        f"The same with the layer of this program{f', with {settings}' if settings else ''}. The layer draws other "
        f"random numbers than the lines above. `dropout variants {name} --figure FILE` draws this figure:",
        *(
            f"```{{image}} {name}-{scheme}.svg\n:class: only-{scheme} example\n:alt: {_words(entry)}\n```"
            for scheme in ("light", "dark")
        ),
        f"**At evaluation:** {markdown.escaped(example['evaluation'])}",
    ]


def _words(entry: Mapping[str, Any]) -> str:
    """Return what the figure shows, for readers who do not see it."""
    titles = ", ".join(table["title"] for table in entry["example"]["tables"])
    return f"Grids of numbers of a training pass of {entry['name']}: {titles}"


def figures(name: str, cls: type[Variant]) -> dict[str, bytes]:
    """Return the figure of a variant's worked example for a light and for a dark page.

    Args:
        name: The name of the variant.
        cls: Its class.
    """
    tables = [(table.title, table.values) for table in worked_example(cls)]
    if not tables:
        return {}
    with as_svg():
        svg = example_figure(name, tables, across=tables_per_row(cls))
    # The reader chooses light or dark on the page, which the media query of the figure does not see.
    return {"light": _DARK_RULES.sub(b"", svg), "dark": _DARK_RULES.sub(rb"\1", svg)}
