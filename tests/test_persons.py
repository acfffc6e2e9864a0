"""When two spellings are one person, and when names that look alike are two."""

from __future__ import annotations

import pytest

from bioanalysis.persons import may_be, person, persons_in

pytestmark = [pytest.mark.requirement("UR-003"), pytest.mark.requirement("UR-035")]


@pytest.mark.parametrize(
    "other",
    ["A.  LINDQVIST", "A.\u00a0Lindqvist", "A Lindqvist", "A.Lindqvist", "Lindqvist, A.", "\uff21. Lindqvist"],
)
def test_one_name_in_many_spellings(other):
    assert person(other) == person("A. Lindqvist")


def test_initials_and_accents_have_many_spellings_too():
    assert person("K. M.") == person("K.M.") == person("km")
    assert person("J.-P. Mu\u0308ller") == person("JP M\u00fcller")


@pytest.mark.parametrize(
    ("one", "other"), [("A. Li", "Ali"), ("K. Im", "Kim"), ("KM", "MK"), ("Mu\u0308ller", "Muller")]
)
def test_names_that_only_look_alike_are_of_two(one, other):
    assert person(one) != person(other)


@pytest.mark.parametrize("cell", ["AL / KM", "AL, KM", "AL; KM", "AL & KM", "AL+KM", "AL and KM"])
def test_a_cell_may_name_several(cell):
    assert {person("AL"), person("KM")} <= persons_in(cell)


def test_nobody_is_no_person():
    assert person(" - ?") == ()
    assert persons_in("") == set()
    assert persons_in("Andersson") == {("andersson",)}


@pytest.mark.parametrize("other", ["A. Lindqvist", "Lindqvist, A", "Lindqvist", "Anna M. Lindqvist", "LINDQVIST Anna"])
def test_an_abbreviated_name_may_be_the_same_person(other):
    assert may_be(person("Anna Lindqvist"), person(other))
    assert may_be(person(other), person("Anna Lindqvist"))


@pytest.mark.parametrize(
    ("one", "other"),
    [("Anna Lindqvist", "Karin Lindqvist"), ("Anna Lindqvist", "K. Lindqvist"), ("Anna Lindqvist", "Anna Moreau"),
     ("A. Li", "Ali"), ("AL", "A. Lindqvist"), ("", "Anna Li"), ("A.", "Anna Li"), ("Li Li", "Li Anna")],
)  # fmt: skip
def test_names_that_differ_in_a_written_out_word_are_of_two(one, other):
    assert not may_be(person(one), person(other))
    assert not may_be(person(other), person(one))
