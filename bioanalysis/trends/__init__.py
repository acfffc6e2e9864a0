"""Control charts over the runs of one study or of many.

They say where to look; no signal of theirs decides on a run. Limits are fixed once, in a declared phase, by a named
person, and never estimated again in silence.
"""

from bioanalysis.trends.command import chart_folder
from bioanalysis.trends.folder import fix_limits, make_trends
from bioanalysis.trends.limits import FILE as LIMITS
from bioanalysis.trends.limits import Declaration

__all__ = ["LIMITS", "Declaration", "chart_folder", "fix_limits", "make_trends"]
