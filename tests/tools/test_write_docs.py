"""What is generated in the docs is what the code says now."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("write_docs", ROOT / "tools/write_docs.py")
assert spec is not None
write_docs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(write_docs)


@pytest.fixture
def imports(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.mark.parametrize("path", write_docs.WRITERS)
def test_a_generated_page_is_up_to_date(path, imports):
    made = write_docs.writer(path)
    assert made.page() == made.PAGE.read_text(), "run: python tools/write_docs.py"


def test_every_key_of_the_configuration_is_explained():
    from agentbridge import tables

    for model in (kind for kind in vars(tables).values() if isinstance(kind, type) and issubclass(kind, tables.Table)):
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"


def test_what_a_vendor_qualifies_is_a_row_of_the_table(imports):
    vendors = write_docs.writer("tools/pages/vendors.py")
    known = {name for name, _, _ in vendors.CAPABILITIES}
    for name in vendors.VENDORS:
        assert set(vendors.Registry()[name].qualified) <= known
