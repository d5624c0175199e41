"""A bounded run of every fuzz target: the whole corpus, then inputs bent from it. `make fuzz` goes on for longer."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from .corpus import CORPUS, inputs
from .targets import TARGETS

BOUNDED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
PIECES = st.binary(max_size=12) | st.sampled_from(
    [
        b"null",
        b"{}",
        b"[]",
        b'""',
        b"NaN",
        b"-1",
        b"1e999",
        b'"error"',
        b"true",
        b"\n\n",
        b"\r",
        b"\xef\xbb\xbf",
        b"\\ud800",
    ]
)


@st.composite
def bent(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """An input of the corpus with a few pieces of it cut out, doubled or replaced."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 24)))
        data = data[:start] + draw(PIECES | st.just(data[start:end] * 2)) + data[end:]
    return data


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_keeps_its_promises(name):
    for data in inputs(name):
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_bent_from_the_corpus_keep_their_promises(name):
    @BOUNDED
    @given(data=bent(inputs(name)) | st.binary(max_size=80))
    @example(data=b"")
    def attack(data: bytes) -> None:
        TARGETS[name](data)

    attack()


def test_every_target_has_a_corpus_and_every_corpus_a_target():
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
