"""Settings of the documentation site: `python -m sphinx docs build/site`.

Pages about variants, keys, commands and the Python API are written from the code at the start of a build.
"""

import sys
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

from site_pages import docstrings, project_pages, write_pages  # noqa: E402

import dropout_cli  # noqa: E402

project = "dropout"
author = "the authors of dropout"
version = release = dropout_cli.__version__
project_copyright = "the authors of dropout, MIT licence"
language = "en"

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["site_pages"]
needs_sphinx = "8.0"
smartquotes = False  # x'G is a formula
default_role = "code"  # `name` in a docstring
nitpicky = True
nitpick_ignore_regex = docstrings.UNLISTED

myst_heading_anchors = 4
nb_execution_mode = "off"  # the tests run the notebook

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"dropout {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def setup(app: Sphinx) -> None:
    """Write the pages that follow from the code before Sphinx looks for pages."""
    app.connect("builder-inited", lambda app: write_pages(Path(app.srcdir)))
    app.connect("autodoc-process-docstring", docstrings.make_restructured_text, priority=0)
    app.connect("missing-reference", docstrings.resolve_public_name)
    app.connect("doctree-resolved", docstrings.tidy)
    app.connect("autodoc-process-signature", docstrings.shorten_signature)
    app.connect("source-read", project_pages.link_to_pages)
