"""What was compared and decided, for people and for programs: an HTML page, JSON, Markdown, JUnit.

All of them are made from one `Report` and hold nothing that is not in it. They show what people asked and were told, so that
files of them are for the same eyes as the samples.
"""

from .document import Report, as_json, report_dict
from .junit import as_junit
from .markdown import as_markdown
from .page import as_html

__all__ = ["Report", "as_html", "as_json", "as_junit", "as_markdown", "report_dict"]
