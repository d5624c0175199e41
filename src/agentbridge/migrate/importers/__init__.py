"""Samples from what people have already: curl commands, HAR files, vcrpy cassettes, CSV."""

from .cassettes import from_cassettes as from_cassettes
from .curl import from_curl as from_curl
from .har import from_har as from_har
from .imported import Imported as Imported, Skipped as Skipped
from .rows import from_csv as from_csv

__all__ = ["Imported", "Skipped", "from_cassettes", "from_csv", "from_curl", "from_har"]
