"""What an installation must be able to do, tried here."""

from __future__ import annotations

import pytest

from bioanalysis.qualification.capabilities import capability_checks
from bioanalysis.qualification.surroundings import place_checks, platform_checks, system_checks

pytestmark = pytest.mark.requirement("UR-070")


def test_everything_that_is_needed_works_here(tmp_path):
    checks = [*capability_checks(), *place_checks(), *platform_checks(), *system_checks(tmp_path)]
    assert [(c.checked, c.observed) for c in checks if c.verdict == "fail"] == []
    assert {"UR-001", "UR-011", "UR-052", "UR-060", "UR-037"} <= {c.requirement for c in checks}
    assert list(tmp_path.iterdir()) == []
