"""How large an environment is, and whether MWAA takes it."""

import re
from dataclasses import dataclass
from difflib import get_close_matches

from ...errors import Problems
from .limits import AS_OF, CLASSES, ClassLimits

_NEWER_CLASS = re.compile(r"mw\d+\.\d+xlarge")
"""What AWS may add to the classes: a larger one, or another generation. Anything else is a slip of the pen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MwaaScale:
    """Class, and how many of each component. What is None is the class's smallest: the least that MWAA runs."""

    environment_class: str
    min_workers: int | None = None
    max_workers: int | None = None
    """None: as many as `min_workers`, an environment that does not scale."""
    schedulers: int | None = None
    min_webservers: int | None = None
    max_webservers: int | None = None
    worker_quota: int = 25
    """The account's quota of workers in an environment; 25 unless AWS raised it."""

    @property
    def limits(self) -> ClassLimits | None:
        """What the class takes; None for a class that the table does not have."""
        return CLASSES.get(self.environment_class)

    @property
    def workers(self) -> tuple[int, int]:
        """The fewest and the most workers."""
        low = self._least("workers") if self.min_workers is None else self.min_workers
        return low, low if self.max_workers is None else self.max_workers

    @property
    def scheduler_count(self) -> int:
        """How many schedulers run."""
        return self._least("schedulers") if self.schedulers is None else self.schedulers

    @property
    def webservers(self) -> tuple[int, int]:
        """The fewest and the most web servers."""
        low = self._least("webservers") if self.min_webservers is None else self.min_webservers
        return low, low if self.max_webservers is None else self.max_webservers

    @property
    def addresses(self) -> int:
        """IP addresses that the environment takes at its largest, both subnets together.

        One for each worker and scheduler, which run in the environment's subnets (web servers run in MWAA's own VPC), and two in
        each subnet for the endpoints of the database and of the web server.
        """
        return self.workers[1] + self.scheduler_count + 4

    def _least(self, what: str) -> int:
        default: tuple[int, int] = getattr(self.limits, what) if self.limits else (1, 1)
        return default[0]


def check_scale(scale: MwaaScale, problems: Problems) -> list[str]:
    """Notes what MWAA refuses of a scale; returns warnings for what the table cannot tell."""
    limits = scale.limits
    if limits is None:
        known = ", ".join(CLASSES)
        if _NEWER_CLASS.fullmatch(scale.environment_class):
            return [f"class {scale.environment_class} is not in the table of {AS_OF} ({known}): its limits are not checked"]
        near = get_close_matches(scale.environment_class, CLASSES, 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        problems.add("scale.environment_class", f"no class {scale.environment_class!r}{meant}; MWAA has {known}")
        return []
    scales = limits.workers[1] > 1
    _check_range(
        problems, scale, "workers", scale.workers, (limits.workers[0], scale.worker_quota if scales else limits.workers[1])
    )
    _check_range(problems, scale, "webservers", scale.webservers, limits.webservers)
    low, high = limits.schedulers
    if not low <= scale.scheduler_count <= high:
        problems.add("scale.schedulers", f"{scale.scheduler_count}: {scale.environment_class} takes {_range(limits.schedulers)}")
    return []


def _check_range(problems: Problems, scale: MwaaScale, what: str, wanted: tuple[int, int], allowed: tuple[int, int]) -> None:
    for bound, value in zip(("min", "max"), wanted, strict=True):
        if not allowed[0] <= value <= allowed[1]:
            quota = ", and the account's quota is worker_quota" if what == "workers" and allowed[1] > 1 else ""
            problems.add(f"scale.{bound}_{what}", f"{value}: {scale.environment_class} takes {_range(allowed)}{quota}")
    if wanted[0] > wanted[1]:
        problems.add(f"scale.min_{what}", f"{wanted[0]} is more than max_{what}, {wanted[1]}")


def _range(bounds: tuple[int, int]) -> str:
    return f"exactly {bounds[0]}" if bounds[0] == bounds[1] else f"{bounds[0]} to {bounds[1]}"
