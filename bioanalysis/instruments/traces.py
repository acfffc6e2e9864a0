"""The traces of one run, as they are handed from the reader to the integration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeGuard

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bioanalysis.text_files import quoted, written_whole


class TransitionLike(Protocol):
    """What a transition of the method tells about its trace."""

    @property
    def name(self) -> str: ...

    @property
    def q1_mz(self) -> float: ...

    @property
    def q3_mz(self) -> float: ...

    @property
    def polarity(self) -> str | None: ...

    @property
    def rt_min(self) -> float: ...

    @property
    def rt_window_min(self) -> float: ...

    @property
    def peak_width_s(self) -> float: ...


class FullScanTransition(TransitionLike, Protocol):
    """A transition whose trace is taken from full scans."""

    @property
    def ions_mz(self) -> tuple[float, ...]: ...

    @property
    def mz_tolerance_ppm(self) -> float: ...


def is_full_scan(transition: TransitionLike) -> TypeGuard[FullScanTransition]:
    """Return whether the trace of a transition is summed from full scans."""
    return getattr(transition, "ms_level", 2) == 1


@dataclass(frozen=True, eq=False)
class Trace:
    """One chromatogram of one injection.

    Parameters
    ----------
    name : str
        As the file calls it.
    q1_mz, q3_mz : float
        Selected masses (Th); NaN for a chromatogram that has none, such as a total ion current.
    polarity : {'positive', 'negative'} or None
        None where the file does not say.
    time_min, intensity : ndarray of float64, shape (n,)
        Minutes, never decreasing; counts (or counts per second, as the instrument has it), never negative.
    """

    name: str
    q1_mz: float
    q3_mz: float
    polarity: str | None
    time_min: NDArray[np.float64]
    intensity: NDArray[np.float64]

    def __str__(self) -> str:
        masses = f"Q1 {self.q1_mz:.2f}, Q3 {self.q3_mz:.2f}" if np.isfinite(self.q1_mz) else "no masses"
        times = f"{self.time_min[0]:.3f} to {self.time_min[-1]:.3f} min" if self.time_min.size else "no points"
        return f"{quoted(self.name)} ({masses}, {times})"


@dataclass(frozen=True, eq=False)
class RunTraces:
    """All traces of a run: injections x transitions, of unequal lengths.

    Parameters
    ----------
    positions, files : ndarray of str, shape (n_injections,)
        Injections in order.
    transitions : ndarray of str, shape (n_transitions,)
        Names, as in the method.
    offsets : ndarray of int64, shape (n_injections * n_transitions + 1,)
        Trace `(i, k)` is `[offsets[i * n_transitions + k], offsets[i * n_transitions + k + 1])` of the flat arrays.
    time_min, intensity : ndarray of float64, shape (offsets[-1],)
        Minutes; counts.
    unmatched : ndarray of str, shape (n_unmatched, 2)
        File and name of each trace that belongs to no transition.
    own_words : ndarray of str, shape (n_injections, 2)
        What each file says of its own acquisition: id and start time stamp of its run; '' where it does not say.
    """

    positions: NDArray[np.str_]
    files: NDArray[np.str_]
    transitions: NDArray[np.str_]
    offsets: NDArray[np.int64]
    time_min: NDArray[np.float64]
    intensity: NDArray[np.float64]
    unmatched: NDArray[np.str_]
    own_words: NDArray[np.str_]

    @classmethod
    def gather(
        cls,
        positions: Sequence[str],
        files: Sequence[str],
        transitions: Sequence[str],
        injections: Sequence[Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]],
        unmatched: Sequence[tuple[str, str]] = (),
        own_words: Sequence[tuple[str, str]] = (),
    ) -> RunTraces:
        """Return the run made of `injections[i][k]` = (time_min, intensity) of injection i and transition k."""
        pairs = [pair for injection in injections for pair in injection]
        if len(pairs) != len(positions) * len(transitions):
            raise ValueError(
                f"{len(pairs)} traces given for {len(positions)} injections x {len(transitions)} transitions"
            )
        lengths = [len(time) for time, _ in pairs]
        return cls(
            positions=np.array(positions, dtype=str),
            files=np.array(files, dtype=str),
            transitions=np.array(transitions, dtype=str),
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            time_min=np.concatenate([np.empty(0), *(time for time, _ in pairs)]),
            intensity=np.concatenate([np.empty(0), *(intensity for _, intensity in pairs)]),
            unmatched=np.array(unmatched, dtype=str).reshape(-1, 2),
            own_words=np.array(own_words or [("", "")] * len(positions), dtype=str).reshape(-1, 2),
        )

    def trace(self, injection: int, transition: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (time_min, intensity) of one injection and transition, both counted from 0."""
        number = injection * len(self.transitions) + transition
        part = slice(self.offsets[number], self.offsets[number + 1])
        return self.time_min[part], self.intensity[part]

    @property
    def acquisitions(self) -> pd.DataFrame:
        """One row per injection: position, file, own_name and started_at as the file itself has them."""
        own_name, started_at = self.own_words.T
        columns = {"position": self.positions, "file": self.files, "own_name": own_name, "started_at": started_at}
        return pd.DataFrame(columns, dtype=str)

    @property
    def equal_length(self) -> int:
        """Number of points of every trace, or 0 where traces differ."""
        lengths = np.diff(self.offsets)
        return int(lengths[0]) if lengths.size and (lengths == lengths[0]).all() else 0

    def save(self, path: Path) -> None:
        """Write everything to one .npz file."""
        with written_whole(path) as part, part.open("wb") as stream:
            np.savez(stream, **vars(self))

    @classmethod
    def load(cls, path: Path) -> RunTraces:
        """Return what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})
