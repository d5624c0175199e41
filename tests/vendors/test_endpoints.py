"""Every documented endpoint has an operation, or a reason why not; and the page in the docs is the generated one."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import endpoints


def test_every_documented_endpoint_is_called_or_has_its_reason():
    for vendor, endpoint, by, why in endpoints.rows():
        assert bool(by) is not bool(why), f"{vendor}: {endpoint} is called by {by!r}, reason {why!r}"


def test_nothing_is_called_that_no_document_names():
    assert {vendor: calls for vendor, calls in endpoints.unlisted().items() if calls} == {}


def test_the_page_is_the_one_that_is_generated():
    assert endpoints.page() == endpoints.PAGE.read_text(), "run: python tests/vendors/endpoints.py"
