"""The seeded selection of incurred samples."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from small_study import make_small_study

from bioanalysis.errors import BatchError
from bioanalysis.reanalysis import select_incurred, share_of, worklist_part, write_selections

pytestmark = pytest.mark.requirement("UR-024")


def quantified(animals: int = 6) -> pd.DataFrame:
    """Liver and kidney of two groups on one day, concentrations rising with the animal."""
    rows = [
        {"sample_id": f"R{group}{animal}-{tissue}", "tissue": tissue, "group": group, "collection_day": "29",
         "value": float(animal), "dilution_factor": 10.0}
        for tissue in ("liver", "kidney") for group in ("low", "high") for animal in range(animals)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def names(rows: pd.DataFrame) -> list[str]:
    return list(rows.sample_id)


def test_each_tissue_and_group_gives_one_even_where_fewer_are_asked_for():
    chosen = select_incurred(quantified(), 1, seed=7)
    assert len(chosen) == 4
    assert len(chosen.drop_duplicates(["tissue", "group"])) == 4


@pytest.mark.parametrize("number", [4, 8, 11])
def test_as_many_as_asked_for_are_drawn_each_once(number):
    chosen = select_incurred(quantified(), number, seed=7)
    assert len(set(names(chosen))) == number


@pytest.mark.parametrize("seed", range(20))
def test_high_and_low_concentrations_take_turns_within_a_cell(seed):
    # animals 0 to 5: the halves are 0 to 2 and 3 to 5
    chosen = select_incurred(quantified(), 8, seed)
    halves = chosen.assign(high=chosen.value >= 3).groupby(["tissue", "group"]).high
    assert (halves.sum() == 1).all()
    assert (halves.size() == 2).all()


def test_the_order_of_rows_does_not_matter_and_the_seed_does():
    table = quantified()
    shuffled = table.sample(frac=1, random_state=1).reset_index(drop=True)
    assert names(select_incurred(table, 8, 3)) == names(select_incurred(shuffled, 8, 3))
    assert len({tuple(sorted(names(select_incurred(table, 8, seed)))) for seed in range(10)}) > 5


def test_every_sample_is_drawn_by_some_seed():
    table = quantified(3)
    assert {name for seed in range(60) for name in names(select_incurred(table, 4, seed))} == set(names(table))


def test_the_part_of_the_worklist_leaves_the_position_to_the_laboratory():
    part = worklist_part(select_incurred(quantified(), 4, 3))
    assert set(part.sample_type) == {"incurred"}
    assert set(part.dilution_factor) == {"10"}
    assert set(part.position) == {""}


@pytest.mark.parametrize(("text", "share"), [("0.2", Fraction(1, 5)), ("20%", Fraction(1, 5)), ("1/3", Fraction(1, 3))])
def test_a_share_is_an_exact_fraction(text, share):
    assert share_of(text) == share


@pytest.mark.parametrize("text", ["0", "-1", "1.1", "many", "1/0"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(BatchError, match="a share of the samples"):
        share_of(text)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return make_small_study(tmp_path)


def with_results(study: Path, status: str) -> Path:
    """Write a table of results with one sample per group, all of one status."""
    rows = [f"R{g}01-L1a\tliver\t{g}\t29\tA\tASO-LCMS-01\t{status}\t1.5\t1.0" for g in (2, 3, 4)]
    header = "sample_id\ttissue\tgroup\tcollection_day\ttreatment\tmethod_id\tstatus\tvalue\tdilution_factor"
    folder = study / "results/study"
    folder.mkdir(parents=True)
    (folder / "tissue_concentrations.tsv").write_text("\n".join([header, *rows]) + "\n")
    return study


def test_a_selection_is_written_and_never_overwritten(study):
    said = write_selections(with_results(study, "quantified"), seed=5)
    path = study / "incurred/ASO-LCMS-01_seed-5.tsv"
    assert str(path) in said[0]
    assert path.read_text().splitlines()[0] == "position\tsample_type\tsample_id\tdilution_factor\ttissue"
    assert len(path.read_text().splitlines()) == 4
    assert said[1] == "ASO-ELISA-01: nothing quantified, nothing drawn"
    before = path.read_bytes()
    with pytest.raises(BatchError, match="never overwritten"):
        write_selections(study, seed=5)
    assert path.read_bytes() == before


def test_before_anything_is_quantified_it_is_said_in_words(study):
    with pytest.raises(BatchError, match="run `bioanalysis run` first"):
        write_selections(study, seed=5)
    with pytest.raises(BatchError, match="nothing is quantified yet"):
        write_selections(with_results(study, "BLQ"), seed=5)
    assert not (study / "incurred").exists()
