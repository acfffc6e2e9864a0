"""The dose that a collection is timed by: the last one given to the animal on an earlier study day."""

from __future__ import annotations

from dataclasses import dataclass

from bioanalysis.exposure.dosing import given_doses
from bioanalysis.study import Study

NO_REFERENCE = {"PCELTM": "", "PCTPTREF": "", "PCRFTDTC": ""}


@dataclass(frozen=True)
class Doses:
    """Study day and time of the doses given to each animal, earliest first."""

    by_animal: dict[str, list[tuple[int, str]]]

    @classmethod
    def of(cls, study: Study) -> Doses:
        """Return the doses of `study`; none where it has no dosing table."""
        if study.dosing is None:
            return cls({})
        given = given_doses(study.dosing).sort_values("study_day", kind="stable")
        return cls(
            {
                str(animal): list(zip(rows.study_day.astype(int), rows.dosed_at.fillna("").astype(str), strict=True))
                for animal, rows in given.groupby("subject_id")
            }
        )

    def timing(self, animal: str, day: int) -> dict[str, str]:
        """Return PCELTM, PCTPTREF and PCRFTDTC of a collection on study day `day`; empty without an earlier dose.

        A dose on the day of collection is no reference: whether it came before or after is not known.
        """
        earlier = [dose for dose in self.by_animal.get(animal, []) if dose[0] < day]
        if not earlier:
            return NO_REFERENCE
        dosed, moment = earlier[-1]
        return {"PCELTM": f"P{day - dosed}D", "PCTPTREF": f"Day {dosed} Dose", "PCRFTDTC": moment}
