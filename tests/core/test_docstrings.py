"""What a docstring tells of fields."""

from agentbridge.docstrings import told


class Told:
    """A class.

    Attributes:
        first: what it is,
            in two lines.
        second, third: of both.

    Raises:
        ValueError: is no field.
    """


class Untold:
    """A class without a word on its fields."""


def test_the_text_of_each_field_is_in_one_line():
    assert told(Told) == {"first": "what it is, in two lines.", "second": "of both.", "third": "of both."}


def test_a_docstring_without_the_section_tells_nothing():
    assert told(Untold) == {}
