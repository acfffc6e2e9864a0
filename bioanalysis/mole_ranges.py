"""Ranges stated in nmol/L, and what a method without a molar mass may say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from bioanalysis.settings import contradictions
from bioanalysis.yaml_with_lines import Place

if TYPE_CHECKING:
    from bioanalysis.method import Method

Contradiction = tuple[Place, str, str]
ENDS = ("lloq", "uloq")


def mass_key(basis: str) -> str:
    """Return the key of the molar mass on a basis."""
    return "salt_molar_mass_g_mol" if basis == "sodium_salt" else "molar_mass_g_mol"


def mole_contradictions(method: Method) -> list[Contradiction]:
    """A range in nmol/L is of a method in nmol/L; without molar mass there is no other, and nothing per gram."""
    moles = method.concentration_unit == "nmol_l"
    found: list[Contradiction] = []
    for place, block in _ranges(method):
        for end in ENDS:
            grams, own = getattr(block, f"{end}_ng_ml"), getattr(block, f"{end}_nmol_l")
            if own is not None and not moles:
                found.append(((*place, f"{end}_nmol_l"), f"'{own:g}'", "concentration_unit: nmol_l in the method"))
            if grams is not None and own is None and method.counts_moles:
                expected = f"{end}_nmol_l, or the molar mass of each analyte: the method counts nmol/L"
                found.append(((*place, f"{end}_ng_ml"), f"'{grams:g}'", expected))
            if own is not None and grams is None and moles:
                expected = f"{end}_ng_ml: analytes of several molar masses have no range in nmol/L in common"
                found.append(((*place, f"{end}_nmol_l"), f"'{own:g}'", expected))
    key = mass_key(method.concentration_basis)
    lacking = [i for i, name in enumerate(method.analyte_names) if method.molar_mass(name) is None]
    if moles and 0 < len(lacking) < len(method.analytes):
        expected = "the molar mass in g/mol, of each analyte or of none: nmol/L is converted with it"
        found += [(("analytes", i, key), "missing", expected) for i in lacking]
    if method.counts_moles and method.homogenate in ("gravimetric", "tissue_equivalent"):
        found.append((("concentration_unit",), "'nmol_l'", f"ng_ml: homogenate {method.homogenate} counts per gram"))
    if method.counts_moles and method.validation is not None and method.validation.file is not None:
        found.append((("validation", "file"), f"'{method.validation.file}'", "no file: validations count ng/mL"))
    return found


def _ranges(method: Method) -> list[tuple[Place, Any]]:
    """Return every block that states a range, with its place."""
    own: list[tuple[Place, Any]] = [(("analytes", i), analyte) for i, analyte in enumerate(method.analytes)]
    return own + [(("tissues", name), block) for name, block in method.tissues.items()]


def with_ranges(stated: dict[str, Any]) -> dict[str, Any]:
    """Return a method as stated with each range in nmol/L also in the unit it counts in; contradictions where both are.

    Raises
    ------
    PydanticCustomError
        Where both units are stated and do not agree.
    """
    analytes, tissues = stated.get("analytes"), stated.get("tissues")
    if stated.get("concentration_unit") != "nmol_l" or not isinstance(analytes, (list, tuple)):
        return stated
    key = mass_key(str(stated.get("concentration_basis")))
    masses = [one.get(key) if isinstance(one, dict) else None for one in analytes]
    made = [_with_range(one, mass, ("analytes", i)) for i, (one, mass) in enumerate(zip(analytes, masses, strict=True))]
    stated = stated | {"analytes": made}
    if not isinstance(tissues, dict):
        return stated
    same = masses[0] if masses and len(set(map(str, masses))) == 1 else ""  # no number: of several it is not converted
    return stated | {"tissues": {name: _with_range(one, same, ("tissues", name)) for name, one in tissues.items()}}


def _with_range(block: Any, mass: Any, place: Place) -> Any:
    """Return a block with its range in the unit counted in; one whose numbers are none as it is."""
    if not isinstance(block, dict):
        return block
    factor = 1.0 if mass is None else (_number(mass) or math.nan) / 1000
    for end in ENDS:
        moles, grams = _number(block.get(f"{end}_nmol_l")), _number(block.get(f"{end}_ng_ml"))
        if moles is None or math.isnan(factor):
            continue
        if block.get(f"{end}_ng_ml") is None:
            block = block | {f"{end}_ng_ml": moles * factor}
        elif grams is not None and not math.isclose(grams, moles * factor, rel_tol=1e-9):
            expected = f"one of {end}_ng_ml and {end}_nmol_l"
            raise contradictions([((*place, f"{end}_ng_ml"), f"'{grams:g}' beside {moles:g} nmol/L", expected)])
    return block


def _number(value: Any) -> float | None:
    """Return a number as settings hold it (also as text), None where it is none above 0."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None
