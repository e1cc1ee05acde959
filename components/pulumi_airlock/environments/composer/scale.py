"""How large an environment is: Google's own part by a size, Airflow's by CPU, memory, storage and count of each component."""

from dataclasses import dataclass, fields
from typing import Any

import pulumi_gcp as gcp

from ...errors import Problems
from .checks import one_of
from .limits import AS_OF, RESILIENCE, SIZES, SIZES_OF, WORKLOADS, WorkloadLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One component of Airflow, each of its replicas. What is None is Google's choice for the size."""

    cpu: float | None = None
    memory_gb: float | None = None
    storage_gb: float | None = None
    """Not for triggerers."""
    count: int | None = None
    """Not for the web server; 0 switches triggerers off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Workers, each of them, and between how many Composer scales."""

    cpu: float | None = None
    memory_gb: float | None = None
    storage_gb: float | None = None
    min_count: int | None = None
    max_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposerScale:
    """Size and workloads of an environment."""

    size: str = "small"
    """What Google runs around Airflow, its database above all: small, medium, large, extra_large (Composer 3)."""
    resilience: str | None = None
    """`high`: database and components in two zones, at least two of each; `standard`, or None: Google's default."""
    scheduler: Workload | None = None
    triggerer: Workload | None = None
    web_server: Workload | None = None
    worker: Workers | None = None
    dag_processor: Workload | None = None
    """Composer 3 alone."""

    def workloads(self) -> dict[str, Workload | Workers]:
        """Every component that is sized, by its name."""
        names = ("scheduler", "triggerer", "web_server", "worker", "dag_processor")
        return {name: found for name in names if (found := getattr(self, name)) is not None}


def check_scale(scale: ComposerScale, generation: int, problems: Problems) -> None:
    """Notes everything that Google refuses of a scale, by the table of the generation (`limits.WORKLOADS`)."""
    one_of("scale.size", scale.size, SIZES_OF[generation], problems)
    if scale.resilience is not None:
        one_of("scale.resilience", scale.resilience, RESILIENCE, problems)
    for name, workload in scale.workloads().items():
        limits = WORKLOADS[generation].get(name)
        if limits is None:
            continue  # refused as an input of the other generation
        path = f"scale.{name}"
        _check_resources(path, workload, limits, problems)
        _check_counts(path, workload, limits, scale.resilience == "high", problems)
        if name == "triggerer":
            missing = [one for one in ("cpu", "memory_gb", "count") if getattr(workload, one) is None]
            if missing:
                problems.add(path, f"{', '.join(missing)} not given: a triggerer takes cpu, memory_gb and count together")


def _check_resources(path: str, workload: Workload | Workers, limits: WorkloadLimits, problems: Problems) -> None:
    for what, allowed in (("cpu", limits.cpu), ("memory_gb", limits.memory_gb), ("storage_gb", limits.storage_gb)):
        value = getattr(workload, what)
        if value is None:
            continue
        if allowed is None:
            problems.add(f"{path}.{what}", "has no such setting; leave it out")
        elif not allowed.takes(value):
            problems.add(f"{path}.{what}", f"{value:g}: Composer takes {allowed} (table of {AS_OF})")
    cpu, memory = workload.cpu, workload.memory_gb
    if cpu is not None and memory is not None and limits.cpu.takes(cpu) and limits.memory_gb.takes(memory):
        ratio = limits.memory_per_cpu
        if not ratio.least <= memory / cpu <= ratio.most:
            least, most = max(ratio.least * cpu, limits.memory_gb.least), min(ratio.most * cpu, limits.memory_gb.most)
            fix = f"{cpu:g} CPU take {least:g} to {most:g} GB ({ratio.least:g} to {ratio.most:g} GB for each CPU)"
            problems.add(f"{path}.memory_gb", f"{memory:g}: {fix}")


def _check_counts(path: str, workload: Workload | Workers, limits: WorkloadLimits, resilient: bool, problems: Problems) -> None:
    for what in ("count", "min_count", "max_count"):
        value = getattr(workload, what, None)
        if value is None:
            continue
        if limits.count is None:
            problems.add(f"{path}.{what}", "has no such setting: Composer decides how many run; leave it out")
        elif not limits.count.takes(value):
            problems.add(f"{path}.{what}", f"{value}: Composer takes {limits.count} (table of {AS_OF})")
        elif resilient and value < limits.resilient_count and not (value == 0 == limits.count.least):
            problems.add(f"{path}.{what}", f"{value}: high resilience needs at least {limits.resilient_count}")
    low, high = getattr(workload, "min_count", None), getattr(workload, "max_count", None)
    if low is not None and high is not None and low > high:
        problems.add(f"{path}.min_count", f"{low} is more than max_count, {high}")


def scale_config(scale: ComposerScale) -> dict[str, Any]:
    """The blocks of the provider."""
    kinds = {
        "scheduler": gcp.composer.EnvironmentConfigWorkloadsConfigSchedulerArgs,
        "triggerer": gcp.composer.EnvironmentConfigWorkloadsConfigTriggererArgs,
        "web_server": gcp.composer.EnvironmentConfigWorkloadsConfigWebServerArgs,
        "worker": gcp.composer.EnvironmentConfigWorkloadsConfigWorkerArgs,
        "dag_processor": gcp.composer.EnvironmentConfigWorkloadsConfigDagProcessorArgs,
    }
    made = {name: kinds[name](**_set(workload)) for name, workload in scale.workloads().items()}
    return {
        "environment_size": SIZES[scale.size],
        "resilience_mode": RESILIENCE[scale.resilience] if scale.resilience else None,
        "workloads_config": gcp.composer.EnvironmentConfigWorkloadsConfigArgs(**made) if made else None,
    }


def _set(workload: Workload | Workers) -> dict[str, Any]:
    return {one.name: value for one in fields(workload) if (value := getattr(workload, one.name)) is not None}
