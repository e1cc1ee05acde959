"""What a change does to access: two cases in one space, and every point at which they do not agree.

`difference(old, new)` gives findings: access added, removed, now uncertain or certain, and what is declared differently; each
with a witness, both paths, and the changes (rules, routes, names, environments) that make it so.
"""

from .comparing import declared_difference, difference
from .model import Change, Difference, Finding, How, Kind, Part, Reach, Standing, What
from .sides import Case
from .ways import with_ways

__all__ = [
    "Case",
    "Change",
    "Difference",
    "Finding",
    "How",
    "Kind",
    "Part",
    "Reach",
    "Standing",
    "What",
    "declared_difference",
    "difference",
    "with_ways",
]
