"""Why a connection could not be had, from the proxy's answer or the failure's kind and the manifest's gates on the way.

The same three kinds as `airlock explain`: permission (a rule said no), token (the identity was not accepted), routing (nothing
was reached). A gate is named alone only where nothing else can have been it.
"""

from __future__ import annotations

import re
import socket
import ssl

from ..audit import PERMISSION, ROUTING, TOKEN, Refusal, TaskRun
from .connect import CONNECT_WITHIN, Answer, Failed
from .model import Way

PROVIDER = "provider"
_SKEW = 30.0
"""Seconds by which clocks differ before it is worth saying."""
_POLICY = re.compile(r"rbac_access_denied_matched_policy\[([^\]]*)\]")
_KINDS = {"permission": PERMISSION, "token": TOKEN, "routing": ROUTING}


def refusal_of(failed: Failed, run: TaskRun, way: Way) -> Refusal:
    """What the task's log and the audit trail say of a tunnel that could not be opened."""
    if failed.answer is not None:
        return _answered(failed.answer, run, way)
    error = failed.error
    detail = f"{failed.step}: {error!r}" if error is not None else failed.step
    kind, text, gate, rule = _failed(failed.step, error, way)
    return Refusal(kind=kind, text=_sentence(way, kind, text, run), gate=gate, rule=rule, detail=detail)


def no_token(error: BaseException, run: TaskRun, way: Way, source: str) -> Refusal:
    """The task has no token to show."""
    text = f"there is no token for the task to show to {way.proxy.gate}"
    return Refusal(
        kind=TOKEN, text=_sentence(way, TOKEN, text, run), gate=PROVIDER, rule=source or "token", detail=str(error) or repr(error)
    )


def no_certificate(error: OSError, run: TaskRun, way: Way) -> Refusal:
    """The files of the client certificate cannot be used."""
    text = f"the task's certificate for {way.proxy.gate} cannot be used"
    return Refusal(
        kind=TOKEN,
        text=_sentence(way, TOKEN, text, run),
        gate=PROVIDER,
        rule="client-certificate",
        detail=str(error) or repr(error),
    )


def over(bound: str, run: TaskRun, way: Way) -> Refusal:
    """The time that connections may be opened in is over."""
    text = f"no new connection is opened any more: {bound}"
    return Refusal(kind=PERMISSION, text=_sentence(way, PERMISSION, text, run), gate=PROVIDER, rule=bound)


def stranger(uid: int, run: TaskRun, way: Way) -> Refusal:
    """Somebody else on this machine connected to the task's port."""
    text = f"user {uid} of this machine connected to the port of a task that is not theirs"
    return Refusal(
        kind=PERMISSION, text=_sentence(way, PERMISSION, text, run), gate=PROVIDER, rule="local-user", detail=f"uid {uid}"
    )


def _answered(answer: Answer, run: TaskRun, way: Way) -> Refusal:
    said = answer.body
    detail = str(said.get("detail") or "")
    kind = _KINDS.get(str(said.get("reason")), _kind_of(answer.status))
    gate = str(said.get("gate") or way.proxy.gate)
    policy = _POLICY.search(detail)
    named = str(said.get("policy") or "") or (policy[1] if policy and policy[1] != "none" else "")
    if kind == TOKEN:
        text, rule = f"{gate} did not accept the task's token{_clocks(answer)}", "token"
    elif answer.status == 404:
        text = f"{gate} knows no target {way.destination.target}: the manifest here and the proxy are not of the same update"
        rule = "no-target"
    elif kind == PERMISSION:
        rule = named or way.deny
        text = f"{gate} refused it by rule {rule}" if rule else f"{gate} refused it"
    else:
        gate, rule = _behind(way)
        text = f"{way.proxy.gate} let it through and did not reach the destination: {_candidates(way.behind)}"
    return Refusal(kind=kind, text=_sentence(way, kind, text, run), gate=gate, rule=rule, detail=detail, status=answer.status)


def _kind_of(status: int) -> str:
    return TOKEN if status in (401, 407) else PERMISSION if status in (403, 404) else ROUTING


def _clocks(answer: Answer) -> str:
    if abs(answer.ahead) < _SKEW:
        return ""
    return f"; this machine's clock is {abs(answer.ahead):.0f} s {'ahead of' if answer.ahead > 0 else 'behind'} the proxy's"


def _failed(step: str, error: BaseException | None, way: Way) -> tuple[str, str, str, str]:
    """Kind, text, gate and rule."""
    proxy = f"{way.proxy.gate} ({way.proxy.address})"
    before = way.before[0] if len(way.before) == 1 else ""
    if step == "resolve":
        return ROUTING, f"the name of {proxy} is not known here: it is DNS, and no gate", "", "dns"
    if step == "tls":
        return _tls(error, proxy, before)
    if isinstance(error, ssl.SSLError):
        # TLS 1.3 tells of a client certificate only when the client thinks that all is well (RFC 8446, section 4.4.2.4).
        return TOKEN, f"{proxy} did not accept the task's certificate", way.proxy.gate, "client-certificate"
    if step == "answer" and not isinstance(error, TimeoutError):
        return ROUTING, f"{proxy} closed the connection without an answer", way.proxy.gate, "no-answer"
    if isinstance(error, ConnectionRefusedError):
        return (
            ROUTING,
            f"{proxy} takes no connections: the machine is there, and the proxy does not run",
            way.proxy.gate,
            "refused",
        )
    if isinstance(error, TimeoutError):
        text = f"{proxy} gave no answer within {CONNECT_WITHIN:.0f} s: {_candidates(way.before)}, or the proxy hangs"
        return ROUTING, text, before, "timeout"
    return ROUTING, f"{proxy} cannot be reached: {_candidates(way.before)}", before, "unreachable"


def _tls(error: BaseException | None, proxy: str, before: str) -> tuple[str, str, str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"its certificate is not trusted ({error.verify_message})"
        text = f"what answers at {proxy} is not the proxy: {why}; a gate before it may inspect TLS"
        return ROUTING, text, before, "server-certificate"
    if isinstance(error, ssl.SSLError) and "ALERT" in str(error.reason or "").upper():
        return TOKEN, f"{proxy} did not accept the task's certificate", proxy.split(" ")[0], "client-certificate"
    return ROUTING, f"TLS with {proxy} could not be set up", before, "tls"


def _behind(way: Way) -> tuple[str, str]:
    return (way.behind[0] if len(way.behind) == 1 else ""), "unreachable"


def _candidates(gates: tuple[str, ...]) -> str:
    if not gates:
        return "no gate stands between, so that it is the network or the other side"
    listed = gates[0] if len(gates) == 1 else f"{', '.join(gates[:-1])} or {gates[-1]}"
    return f"{listed} may stop it"


def _sentence(way: Way, kind: str, text: str, run: TaskRun) -> str:
    there = way.destination
    return (
        f"{there.name} ({there.target}) is not reached, by {kind}: {text}. "
        f"More: airlock explain {run.dag_id}.{run.task_id} {there.name}:{there.port} --stack {run.environment or 'STACK'}"
    )


def proxy_lost(error: Exception | None) -> str:
    """What ended a session that its proxy broke off, for its last event."""
    timed_out = isinstance(error, TimeoutError) or (
        isinstance(error, OSError) and error.errno == getattr(socket, "ETIMEDOUT", 110)
    )
    return "proxy-timeout" if timed_out else "proxy-lost"
