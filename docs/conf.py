"""The site: Sphinx reads the pages where they stand, so that every link works on a code host as well."""

from __future__ import annotations

from typing import Any

from agentbridge import __version__

project = "agentbridge"
author = "the agentbridge authors"
project_copyright = "the agentbridge authors, MIT license"
release = version = __version__

# The source folder is the repository: `make docs` names this folder as that of the configuration alone.
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "plugins/*/README.md",
    "examples/agentbridge-dify/README.md",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
]
exclude_patterns = ["docs/_build", ".*", "**/.*", "src", "tests", "cassettes", "benchmarks", "tools", "**/node_modules"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 4
myst_enable_extensions = ["attrs_inline"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True

default_role = "code"  # as Markdown reads a backtick
nitpick_ignore_regex = [  # names in signatures that have no page: the standard library's, and our own that are not public
    ("py:class", r"(collections\.abc|os|importlib\.metadata|pathlib)\..*"),
    ("py:class", r"agentbridge\.(?!callbacks\.[A-Z]|testing\.[A-Z]|migrate\.[A-Z])[a-z].*\.[A-Z]\w*"),
    ("py:class", r"agentbridge\.(callbacks|testing|migrate)\.[a-z].*"),
    ("py:class", r"(dt|datetime)\.date|re\.Pattern"),
    ("py:class", "JsonValue|Observer|Event|KeySource|Callbacks|CallFields|WaitFields"),
]

smartquotes = False  # --json is no dash

html_theme = "furo"
html_title = "agentbridge"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["_root"]
html_show_sphinx = False
html_copy_source = False
pygments_style = "friendly"
pygments_dark_style = "monokai"


def setup(app: Any) -> None:
    """Before napoleon, which takes what stands before a colon in an attribute's docstring for its type."""
    app.connect("autodoc-process-docstring", _keep_colons, priority=1)


def _keep_colons(_app: Any, what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    if what in {"attribute", "property"} and lines:
        lines[0] = lines[0].replace(": ", " \N{EN DASH} ", 1)
