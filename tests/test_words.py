"""Words that reports share."""

from __future__ import annotations

import pytest

from bioanalysis.words import count_of


@pytest.mark.parametrize(("number", "words"), [(0, "0 samples"), (1, "1 sample"), (2, "2 samples")])
def test_a_number_agrees_with_its_noun(number, words):
    assert count_of(number, "sample") == words
