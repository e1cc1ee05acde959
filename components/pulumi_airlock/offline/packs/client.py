"""One policy pack over the analyzer protocol: boots it in the Pulumi engine's order, and puts its answers into our words."""

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc

from ...errors import Problem, Problems
from ..plugin_process import PluginProcess
from .config import PackConfig, PolicyConfig, parse_config, reconcile
from .manifest import Manifest
from .masking import masked, secrets_in
from .results import (
    Diagnostic,
    Level,
    NotApplicable,
    PackInfo,
    PolicyInfo,
    PolicyPackError,
    Remediation,
    framework_from_wire,
    kind_from_wire,
    level_from_wire,
    severity_from_wire,
)

ENGINE = "127.0.0.1:0"
"""The engine's address in the command line. Python packs take it and never call it; nothing listens here."""

_ENDING = 5.0
"""Seconds that a process may take to end after its connection is gone."""

_MAX_MESSAGE_SIZE = 400 * 1024 * 1024
_CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE_SIZE),  # as the SDK's, on both ends
    ("grpc.max_send_message_length", _MAX_MESSAGE_SIZE),
    ("grpc.enable_http_proxy", 0),  # a pack is on this machine, whatever http_proxy says
)


@dataclass(frozen=True, slots=True)
class StackSettings:
    """The stack that packs look at: the same for all of them."""

    project: str
    stack: str
    organization: str
    dry_run: bool
    config: Mapping[str, str] = field(default_factory=dict)
    """Configuration by full key (`project:key`), secrets in plain text: the packs need their values, as the program does."""
    secret_keys: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values of the configuration that must not be shown."""
        return tuple(self.config[key] for key in self.secret_keys if key in self.config)

    def environment(self) -> dict[str, str]:
        """The variables in which a Python pack finds the stack (pulumi `analyzer_plugin.go`, constructEnv)."""
        given = {
            "PULUMI_CONFIG": json.dumps(dict(self.config)),
            "PULUMI_ORGANIZATION": self.organization,
            "PULUMI_PROJECT": self.project,
            "PULUMI_STACK": self.stack,
            "PULUMI_DRY_RUN": "true" if self.dry_run else "false",
        }
        return {key: value for key, value in given.items() if value}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: until a pack listens, and for one answer of it."""

    start: float = 60.0
    answer: float = 120.0


class PackClient:
    """A pack that starts at once, and is ready when its first answer is wanted."""

    def __init__(
        self,
        manifest: Manifest,
        config: PackConfig,
        settings: StackSettings,
        timeouts: Timeouts,
        on_output: Callable[[str], None],
    ) -> None:
        self._manifest = manifest
        self._config = config
        self._settings = settings
        self._timeouts = timeouts
        self._channel: grpc.Channel | None = None
        self._ready: Future[PackInfo] = Future()
        self.not_applicable: list[NotApplicable] = []
        self._process = PluginProcess(
            [str(manifest.python), "pulumi.policy", ENGINE, str(manifest.path)],
            manifest.path,
            {**_inherited(manifest), **settings.environment()},
            lambda line: on_output(masked(line, settings.secrets)),
        )
        threading.Thread(target=self._boot, name=f"policy pack {manifest.path.name}", daemon=True).start()

    @property
    def path(self) -> str:
        """The pack's folder."""
        return str(self._manifest.path)

    @property
    def pid(self) -> int:
        """Id of the pack's process."""
        return self._process.pid

    @property
    def info(self) -> PackInfo:
        """What the pack is; waits until it is ready. PolicyPackError when it cannot be used."""
        return self._ready.result()

    def close(self) -> None:
        """Ends the pack."""
        self._process.close()
        if self._channel:
            self._channel.close()

    # --- Starting

    def _boot(self) -> None:
        try:
            self._ready.set_result(self._booted())
        except PolicyPackError as error:
            self._ready.set_exception(error)
        except grpc.RpcError as error:
            self._ready.set_exception(self._failure(error, "while it started"))
        except Exception as error:  # an unforeseen error must reach whoever waits, or they wait for ever
            self._ready.set_exception(error)

    def _booted(self) -> PackInfo:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self._listening_port()}", options=_CHANNEL_OPTIONS)
        self._stub = analyzer_pb2_grpc.AnalyzerStub(self._channel)
        folder = str(self._manifest.path)
        self._call_if_implemented(
            self._stub.Handshake,
            analyzer_pb2.AnalyzerHandshakeRequest(engine_address=ENGINE, root_directory=folder, program_directory=folder),
        )
        self._call_if_implemented(
            self._stub.ConfigureStack,
            analyzer_pb2.AnalyzerStackConfigureRequest(
                stack=self._settings.stack,
                project=self._settings.project,
                organization=self._settings.organization,
                dry_run=self._settings.dry_run,
                config=self._settings.config,
                config_secret_keys=self._settings.secret_keys,
                tags=self._settings.tags,
            ),
        )
        answer = self._stub.GetAnalyzerInfo(empty_pb2.Empty(), timeout=self._timeouts.answer)
        return self._configured(answer)

    def _listening_port(self) -> int:
        try:
            line = self._process.first_line(self._timeouts.start)
        except TimeoutError:
            seconds = f"{self._timeouts.start:g} s"
            raise self._error(f"did not start within {seconds}: it never built a PolicyPack", self._process.errors()) from None
        if line.isdecimal():
            return int(line)
        if line:
            # The Pulumi CLI takes the first line for the port, and fails as well.
            raise self._error(f"printed {line!r} before its port: print to standard error (file=sys.stderr) instead")
        # It closed its standard output, so it is about to end.
        status = self._process.wait(_ENDING)
        ended = "built no PolicyPack" if status == 0 else "failed to start"
        raise self._error(f"{ended} (exit status {status})", self._process.errors())

    def _call_if_implemented(self, call: Any, request: Any) -> None:
        """Calls what packs of older SDKs do not have."""
        try:
            call(request, timeout=self._timeouts.answer)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
                raise

    def _configured(self, answer: analyzer_pb2.AnalyzerInfo) -> PackInfo:
        policies = {one.name: _policy(one) for one in sorted(answer.policies, key=lambda one: one.name)}
        problems = Problems(self.path, PolicyPackError)
        given = parse_config(self._config, problems)
        if given and not answer.supportsConfig:
            problems.add("", "takes no configuration")
        initial = {
            name: PolicyConfig(level_from_wire(one.enforcementLevel), json_format.MessageToDict(one.properties))
            for name, one in answer.initialConfig.items()
        }
        final = reconcile(policies, initial, given, problems)
        problems.raise_any()
        if answer.supportsConfig and final:
            request = analyzer_pb2.ConfigureAnalyzerRequest(policyConfig={name: _to_wire(one) for name, one in final.items()})
            self._stub.Configure(request, timeout=self._timeouts.answer)
        return PackInfo(
            name=answer.name,
            version=self._manifest.version or answer.version,
            path=self.path,
            description=answer.description or self._manifest.description,
            policies={name: replace(policy, level=final[name].level or policy.level) for name, policy in policies.items()},
        )

    # --- Asking

    def _runs(self, *kinds: str) -> bool:
        """Whether any policy of these kinds runs at all; what an older SDK does not tell the kind of may be any."""
        return any(one.kind in (*kinds, "") and one.level is not Level.DISABLED for one in self.info.policies.values())

    def _remediates(self) -> bool:
        return any(one.level is Level.REMEDIATE and one.kind != "stack" for one in self.info.policies.values())

    def ask_resource(self, request: analyzer_pb2.AnalyzeRequest) -> Callable[[], list[Diagnostic]]:
        """Sends a resource to the pack; the result waits for the answer."""
        if not self._runs("resource"):
            return list
        answer = self._stub.Analyze.future(request, timeout=self._timeouts.answer)
        return lambda: self._diagnostics(answer, request.urn, (request.properties,))

    def ask_stack(
        self, request: analyzer_pb2.AnalyzeStackRequest, urn: str, known: frozenset[str]
    ) -> Callable[[], list[Diagnostic]]:
        """Sends all resources; a violation of no resource, or of none of `known`, is the stack's own (`urn`)."""
        if not self._runs("stack"):
            return list
        answer = self._stub.AnalyzeStack.future(request, timeout=self._timeouts.answer)

        def result() -> list[Diagnostic]:
            found = self._diagnostics(answer, "", [one.properties for one in request.resources])
            return [one if one.urn in known else replace(one, urn=urn) for one in found]

        return result

    def remediate(self, request: analyzer_pb2.AnalyzeRequest) -> tuple[struct_pb2.Struct | None, list[Remediation]]:
        """The resource's inputs as the pack wants them (None: as they are), and what it did."""
        if not self._remediates():
            return None, []
        try:
            answer = self._stub.Remediate(request, timeout=self._timeouts.answer)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return None, []
            raise self._failure(error, f"while it remediated {request.urn}", secrets_in(request.properties)) from error
        self._note(answer.not_applicable, request.urn)
        properties, found = None, []
        for one in answer.remediations:
            if not one.diagnostic:
                properties = one.properties
            found.append(self._remediation(one, request))
        return properties, found

    def _remediation(self, one: analyzer_pb2.Remediation, request: analyzer_pb2.AnalyzeRequest) -> Remediation:
        policy = self._policy(one.policyName)
        return Remediation(
            pack=self.info.name,
            policy=one.policyName,
            urn=request.urn,
            message=self._masked(one.diagnostic, secrets_in(request.properties)) or one.description,
            applied=not one.diagnostic,
            level=Level.ADVISORY if one.diagnostic else Level.REMEDIATE,
            severity=policy.severity,
            framework=policy.framework,
            remediation_steps=policy.remediation_steps,
            url=policy.url,
        )

    def _diagnostics(self, answer: Any, urn: str, properties: Iterable[struct_pb2.Struct]) -> list[Diagnostic]:
        def secrets() -> list[str]:
            return [secret for one in properties for secret in secrets_in(one)]

        try:
            response = answer.result()
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return []
            raise self._failure(error, f"while it looked at {urn or 'the stack'}", secrets()) from error
        self._note(response.not_applicable, urn)
        # Looking for secrets costs as much as a policy does, and most resources have nothing to say.
        hidden = secrets() if response.diagnostics else []
        return [self._diagnostic(one, urn, hidden) for one in response.diagnostics]

    def _diagnostic(self, one: analyzer_pb2.AnalyzeDiagnostic, urn: str, secrets: Iterable[str]) -> Diagnostic:
        policy = self._policy(one.policyName)
        level = level_from_wire(one.enforcementLevel)
        # The SDK puts the policy's description before every message.
        own = one.message.removeprefix(one.description).lstrip("\n")
        return Diagnostic(
            pack=self.info.name,
            policy=one.policyName,
            # A resource policy speaks of its resource alone; only stack policies name one.
            urn=urn or one.urn,
            message=self._masked(own or one.message, secrets),
            # What a remediation left over is a violation like any other.
            level=Level.MANDATORY if level is Level.REMEDIATE else level,
            severity=severity_from_wire(one.severity) or policy.severity,
            framework=policy.framework,
            remediation_steps=policy.remediation_steps,
            url=policy.url,
            description=one.description,
        )

    def _policy(self, name: str) -> PolicyInfo:
        return self.info.policies.get(name) or PolicyInfo(name, "", Level.ADVISORY, "")

    def _note(self, found: Iterable[analyzer_pb2.PolicyNotApplicable], urn: str) -> None:
        for one in found:
            self.not_applicable.append(NotApplicable(self.info.name, one.policy_name, urn, one.reason))

    # --- Failing

    def _failure(self, error: grpc.RpcError, when: str, secrets: Iterable[str] = ()) -> PolicyPackError:
        lost = error.code() is grpc.StatusCode.UNAVAILABLE
        status = self._process.wait(_ENDING) if lost else self._process.exit_status()
        errors = self._process.errors()
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return self._error(f"did not answer within {self._timeouts.answer:g} s {when}", errors, secrets)
        if status is not None:
            ended = f"was ended by signal {-status}" if status < 0 else f"ended with exit status {status}"
            return self._error(f"{ended} {when}", errors, secrets)
        details = (error.details() or "").removeprefix("Exception calling application: ")
        return self._error(f"crashed {when}: {details}", errors, secrets)

    def _error(self, message: str, output: str = "", secrets: Iterable[str] = ()) -> PolicyPackError:
        shown = message + "".join(f"\n    {line}" for line in output.splitlines())
        return PolicyPackError([Problem(self.path, "", self._masked(shown, secrets))])

    def _masked(self, text: str, secrets: Iterable[str]) -> str:
        return masked(text, (*self._settings.secrets, *secrets)) if text else ""


def _policy(one: analyzer_pb2.PolicyInfo) -> PolicyInfo:
    return PolicyInfo(
        name=one.name,
        description=one.description,
        level=level_from_wire(one.enforcementLevel),
        kind=kind_from_wire(one.policy_type),
        display_name=one.displayName,
        severity=severity_from_wire(one.severity),
        framework=framework_from_wire(one.framework),
        tags=tuple(one.tags),
        remediation_steps=one.remediation_steps,
        url=one.url,
        schema=json_format.MessageToDict(one.configSchema.properties),
        required=tuple(one.configSchema.required),
    )


def _to_wire(config: PolicyConfig) -> analyzer_pb2.PolicyConfig:
    properties = struct_pb2.Struct()
    json_format.ParseDict(dict(config.properties), properties)
    level = (config.level or Level.ADVISORY).name
    return analyzer_pb2.PolicyConfig(enforcementLevel=analyzer_pb2.EnforcementLevel.Value(level), properties=properties)


def _inherited(manifest: Manifest) -> dict[str, str]:
    """Our environment, with the pack's own virtual environment in the place of ours."""
    environment = dict(os.environ)
    if manifest.virtualenv:
        environment["VIRTUAL_ENV"] = str(manifest.virtualenv)
        environment["PATH"] = os.pathsep.join([str(manifest.python.parent), environment.get("PATH", "")])
        environment.pop("PYTHONHOME", None)
    return environment
