"""Refuses what the chart or the cluster would refuse later, all of it at once."""

import re
from collections.abc import Sequence
from itertools import combinations

from ...access import globs
from ...access.model import Access
from ...access.values import check_cidrs
from ...errors import Problems
from ...gates.tcp_proxy.platforms import InTaskPods
from ...proof.atoms.globs import regions
from .flows import Database
from .limits import ACCOUNT_NAME, DNS_LABEL, LABEL_VALUE, OLDEST_AIRFLOW, OLDEST_CHART, RELEASE_LENGTH, version_of
from .mesh import MESHES
from .network import accounts_of, principals_of
from .values import Image
from .workloads import EXECUTORS, KUBERNETES, account_prefix, default_account


def check_release(namespace: str, release: str, executor: str, problems: Problems) -> None:
    """The names, and the executor."""
    for path, value, longest in (("namespace", namespace, 63), ("release", release, RELEASE_LENGTH)):
        if not DNS_LABEL.fullmatch(value) or len(value) > longest:
            problems.add(path, f"{value!r}: write small letters, digits and dashes, at most {longest} of them")
    if executor not in EXECUTORS:
        problems.add("executor", f"{executor!r}: write one of {', '.join(EXECUTORS)}")


def check_versions(airflow_version: str, chart_version: str, image: Image, problems: Problems) -> None:
    """Versions that go together, and an image that is pinned."""
    for path, value, oldest, what in (
        ("airflow_version", airflow_version, OLDEST_AIRFLOW, "Airflow"),
        ("chart_version", chart_version, OLDEST_CHART, "the chart"),
    ):
        found = version_of(value)
        if found is None:
            problems.add(path, f"{value!r} is no version: write one whole, as in {'.'.join(map(str, oldest))}")
        elif found < oldest:
            problems.add(
                path, f"{value}: {what} from {'.'.join(map(str, oldest))} on: before, DAGs' code had secrets of Airflow's"
            )
    if not image.tag and not image.digest:
        problems.add("image", f"{image.repository} has neither tag nor digest: what runs would change by itself")
    if image.tag == "latest":
        problems.add("image.tag", "latest is not pinned: write a version, or a digest")
    if image.digest and not re.fullmatch(r"sha256:[0-9a-f]{64}", image.digest):
        problems.add("image.digest", f"{image.digest!r} is no digest: write sha256: and 64 digits")


def check_accounts(access: Access, environment: str, executor: str, release: str, problems: Problems) -> None:
    """Service accounts that can be: named well, none of Airflow's own, and one for every task."""
    if executor != KUBERNETES:
        return
    accounts = accounts_of(access, environment, executor, release)
    for name, account in accounts.items():
        if not ACCOUNT_NAME.fullmatch(account) or not LABEL_VALUE.fullmatch(account):
            fix = "write small letters, digits and dashes, at most 63 of them"
            problems.add(f"access.principals[{name}].serviceAccount", f"{account!r}: {fix}")
        if account in (default_account(release), "default") or account.startswith(f"{account_prefix(release)}-"):
            fix = "write another serviceAccount"
            problems.add(f"access.principals[{name}].serviceAccount", f"{account!r} is a name of Airflow's own accounts: {fix}")
    here = principals_of(access, environment)
    deployed = next((one.dags for one in access.environments if one.name == environment), ("*",))
    for one, other in combinations(here, 2):
        if accounts[one.name] == accounts[other.name]:
            continue
        task = _shared(deployed, one.dags, other.dags)
        both = _shared(("*",), one.tasks, other.tasks)
        if task is not None and both is not None:
            fix = f"give both one serviceAccount, or take {task}.{both} out of one of them"
            problems.add(
                f"access.principals[{other.name}]",
                f"{task}.{both} is of {one.name} and of {other.name}, and a pod has one service account: {fix}",
            )


def check_addresses(database: Database, pod_cidrs: Sequence[str], endpoint_cidrs: Sequence[str], problems: Problems) -> None:
    """Networks, and the database's port."""
    if not 0 < database.port < 65536:
        problems.add("database.port", f"{database.port} is no port: write 5432 (PostgreSQL) or 3306 (MySQL), say")
    for path, cidrs in (("database.cidrs", database.cidrs), ("pod_cidrs", pod_cidrs), ("endpoint_cidrs", endpoint_cidrs)):
        check_cidrs(problems, path, cidrs)


def check_mesh(mesh: str | None, problems: Problems) -> None:
    """A mesh that is known."""
    if mesh is not None and mesh not in MESHES:
        problems.add("mesh", f"{mesh!r}: write one of {', '.join(MESHES)}, or None")


def check_proxy(proxy: InTaskPods, namespace: str, executor: str, problems: Problems) -> None:
    """A sidecar of pods that there are, where they are."""
    if executor != KUBERNETES:
        problems.add("proxy", "with Celery tasks share the workers' pods, and have one account: use KubernetesExecutor")
    if proxy.namespace != namespace:
        problems.add("proxy.namespace", f"{proxy.namespace!r}: the tasks' pods run in {namespace!r}")


def check_launchers(
    access: Access, environment: str, executor: str, release: str, launchers: Sequence[str], problems: Problems
) -> None:
    """Principals of tasks that run here, in pods of their own."""
    known = accounts_of(access, environment, executor, release)
    for number, one in enumerate(launchers):
        if one not in known:
            problems.add(
                f"launchers[{number}]", f"no principal {one!r} whose tasks run here: {', '.join(known) or 'there is none'}"
            )
    if launchers and executor != KUBERNETES:
        problems.add("launchers", "with Celery all tasks have one account: each could start pods; use KubernetesExecutor")


def _shared(*sets: tuple[str, ...]) -> str | None:
    """An id that all sets of globs match; None where there is none."""
    if not any(globs.overlap(a, b) for a in sets[1] for b in sets[2]):
        return None
    return next((word for key, word in regions(list(sets)).items() if len(key) == len(sets)), None)
