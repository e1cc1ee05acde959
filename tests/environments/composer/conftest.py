"""Runs a program with Google's resources in process: at preview, where ids are unknown, or after an update."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi.runtime
import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import resource_pb2

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))
# Under a name of its own: every folder has a `conftest`.
_SPEC = importlib.util.spec_from_file_location("environments_engine", HERE.parent / "conftest.py")
assert _SPEC is not None
assert _SPEC.loader is not None
_engine = importlib.util.module_from_spec(_SPEC)
sys.modules["environments_engine"] = _engine
_SPEC.loader.exec_module(_engine)

PROJECT = "bank-airflow-prod"
REGION = "europe-west1"
NUMBER = "123456789012"


class GoogleEngine(_engine.Engine):  # type: ignore[misc,name-defined]
    """Answers as Google's provider would: an account's address, an id that is a path."""

    def _computed(self, request: Any) -> dict[str, str]:
        inputs = json_format.MessageToDict(request.object)
        name = inputs.get("name", request.name)
        found = {"selfLink": f"https://www.googleapis.com/compute/v1/projects/{PROJECT}/{name}", "name": name}
        if request.type == "gcp:serviceaccount/account:Account":
            found["email"] = f"{inputs['accountId']}@{inputs['project']}.iam.gserviceaccount.com"
        return found

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        assert request.tok == "gcp:organizations/getProject:getProject", request.tok
        answer = struct_pb2.Struct()
        json_format.ParseDict({"projectId": PROJECT, "number": NUMBER, "id": PROJECT}, answer)
        return resource_pb2.ResourceInvokeResponse(**{"return": answer})

    def of(self, kind: str) -> dict[str, Any]:
        """The registrations of a type (`kms/cryptoKey:CryptoKey`), by name; a component's by its class."""
        tokens = (f"gcp:{kind}", f"airlock:index:{kind}")
        return {one.name: self._registered(urn, one) for urn, one in self.requests.items() if one.type in tokens}

    def only(self, kind: str) -> Any:
        """The one registration of a type."""
        (found,) = self.of(kind).values()
        return found

    def config(self) -> Mapping[str, Any]:
        """The one environment's `config`."""
        found: Mapping[str, Any] = self.only("composer/environment:Environment").inputs["config"]
        return found


def run_program(program: Callable[[], object], preview: bool) -> GoogleEngine:
    engine = GoogleEngine(preview)
    pulumi.runtime.set_mocks(None, project="bank", stack="test", preview=preview, monitor=engine)
    pulumi.runtime.settings.SETTINGS.engine = engine
    pulumi.runtime.set_all_config({"gcp:project": PROJECT, "gcp:region": REGION})
    pulumi.runtime.test(lambda: program() and None)()
    return engine


@pytest.fixture
def preview() -> Callable[[Callable[[], object]], GoogleEngine]:
    """Runs a program where no id is known yet."""
    return lambda program: run_program(program, preview=True)


@pytest.fixture
def update() -> Callable[[Callable[[], object]], GoogleEngine]:
    """Runs a program where ids and computed outputs are known."""
    return lambda program: run_program(program, preview=False)


@pytest.fixture(params=["preview", "update"])
def run(request: Any) -> Callable[[Callable[[], object]], GoogleEngine]:
    """Both, one after the other."""
    return lambda program: run_program(program, preview=request.param == "preview")
