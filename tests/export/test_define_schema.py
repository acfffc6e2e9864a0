"""define.xml against the published schema of Define-XML 2.1, where `odmlib`, which brings it, is installed."""

from __future__ import annotations

import pytest
from small_study import make_small_study
from test_send import BLQ, LIVER, LOST, rows
from test_send_rules import ALQ, PLASMA

from bioanalysis.export.send import write_send

pytestmark = pytest.mark.requirement("UR-052")

odmlib = pytest.importorskip("odmlib", reason="odmlib, which brings the schema of Define-XML 2.1, is not installed")


@pytest.mark.parametrize("lines", [(LIVER, BLQ, LOST, ALQ, PLASMA), (LOST,), ()], ids=["all kinds", "no value", "none"])
@pytest.mark.parametrize("pooled", [False, True], ids=["animals", "pools"])
def test_define_is_valid(tmp_path, lines, pooled):
    import xmlschema

    make_small_study(tmp_path)
    if pooled:
        (tmp_path / "config/pools.tsv").write_text("pool_id\tsubject_id\nP1\tR1\n")
    (tmp_path / "results/study").mkdir(parents=True)
    rows(*lines).to_csv(tmp_path / "results/study/tissue_concentrations.tsv", sep="\t", index=False)
    write_send(tmp_path, tmp_path / "send")
    schema = xmlschema.XMLSchema(f"{odmlib.__path__[0]}/schemas/define/2.1/define2-1-0.xsd")
    assert [error.reason for error in schema.iter_errors(tmp_path / "send/define.xml")] == []
