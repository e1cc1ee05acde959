"""A run of a DAG as a Pulumi resource: triggered when the stack is made, waited for, and as it should end, or the update fails.

It shows at once whether what is allowed works, and whether what is forbidden is refused, by the log of the task.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider

from .processes import STRAIGHT

_POLL = 0.5
_SHOWN = 6


class LocalDagRunProvider(ResourceProvider):
    """Triggers a DAG by Airflow's REST API."""

    serialize_as_secret_always = False

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Another DAG, another end, or another environment (by its digest) is another run."""
        keys = ("airflow", "dag_id", "succeeds", "told", "depends_on_digest")
        changed = [key for key in keys if olds.get(key) != news.get(key)]
        return DiffResult(changes=bool(changed), replaces=changed)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Runs it to its end. RuntimeError when that is not the one that is expected, with the end of the task's log."""
        airflow, deadline = _Airflow(props["airflow"]), time.monotonic() + float(props["seconds"])
        dag = f"/api/v2/dags/{props['dag_id']}"
        airflow.known(dag, deadline)
        airflow.call("PATCH", dag, {"is_paused": False})
        run = airflow.call("POST", f"{dag}/dagRuns", {"logical_date": None})["dag_run_id"]
        state = airflow.ended(f"{dag}/dagRuns/{run}", deadline)
        lines = airflow.log(f"{dag}/dagRuns/{run}")
        said = [line for line in lines if str(props["told"]) in line]
        if (state == "success") is not props["succeeds"] or (props["told"] and not said):
            wanted = "succeed" if props["succeeds"] else f"be refused with {props['told']!r}"
            raise RuntimeError(f"{props['dag_id']} was to {wanted}, and ended as {state}: " + " | ".join(lines[-_SHOWN:]))
        return CreateResult(run, {**props, "state": state, "log": said[:_SHOWN] or lines[-_SHOWN:]})


class LocalDagRun(Resource, module="airlock", name="LocalDagRun"):
    """One run of a DAG."""

    state: pulumi.Output[str]
    log: pulumi.Output[list[str]]

    def __init__(
        self,
        name: str,
        *,
        airflow: str,
        dag_id: str,
        succeeds: bool,
        told: str = "",
        seconds: int = 300,
        digest: str = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """A run.

        `airflow`: the address of its API server. `succeeds`: whether it is to; otherwise it is to fail. `told`: what its tasks'
        logs must say. `digest`: of what it depends on; another one is another run.
        """
        props = {
            "airflow": airflow,
            "dag_id": dag_id,
            "succeeds": succeeds,
            "told": told,
            "seconds": seconds,
            "depends_on_digest": digest,
            "state": None,
            "log": None,
        }
        super().__init__(LocalDagRunProvider(), name, props, opts)


class _Airflow:
    def __init__(self, url: str) -> None:
        self._url = url
        self._token = ""
        self._token = self.call("GET", "/auth/token")["access_token"]

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self._token}"} if self._token else {})
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._url + path, data=data, headers=headers, method=method)  # noqa: S310
        with STRAIGHT.open(request, timeout=120) as answer:
            return json.load(answer)

    def known(self, dag: str, deadline: float) -> None:
        """Waits until the DAG is parsed."""
        name = dag.rpartition("/")[2]
        while True:
            try:
                self.call("GET", dag)
                return
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise
            wrong = self._import_error(name)
            if wrong or time.monotonic() > deadline:
                raise RuntimeError(f"Airflow does not know {name}: {wrong or 'it has not parsed its file yet'}")
            time.sleep(_POLL)

    def ended(self, run: str, deadline: float) -> str:
        """The run's last state."""
        while (state := str(self.call("GET", run)["state"])) not in ("success", "failed"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{run} is {state} still")
            time.sleep(_POLL)
        return state

    def log(self, run: str) -> list[str]:
        """What its tasks' logs say, in order."""
        found: list[str] = []
        for one in self.call("GET", f"{run}/taskInstances")["task_instances"]:
            if one["try_number"] > 0:
                said = self.call("GET", f"{run}/taskInstances/{one['task_id']}/logs/{one['try_number']}")
                found.extend(str(line.get("event", line)) if isinstance(line, dict) else str(line) for line in said["content"])
        return found

    def _import_error(self, name: str) -> str:
        """What is wrong with the file of that name."""
        for one in self.call("GET", "/api/v2/importErrors")["import_errors"]:
            if str(one["filename"]).endswith(f"{name}.py"):
                return str(one["stack_trace"]).strip().splitlines()[-1]
        return ""
