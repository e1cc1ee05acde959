"""What HAProxy tells: a line of JSON for each tunnel at its end, for each refusal, and for each failed handshake.

The names are those of Envoy's log (`..log`), as far as HAProxy knows the same: of a task it knows the certificate alone. A client
writes server names and headers as it likes, so that these go through `json`.
"""

from ..plan import ProxyPlan

Fields = dict[str, str]
_TEXT = "json(utf8s)"


def _line(fields: Fields) -> str:
    return "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"


def _common(plan: ProxyPlan) -> Fields:
    return {
        # The same clock for both parts: of the loop in which the connection came.
        "time": '"%[var(sess.start)].%ms+00:00"',
        "gate": f'"{plan.gate}"',
        "engine": '"haproxy"',
        "client": '"%ci:%cp"',
        "connection": '"%Ts.%rt"',
        "certificate": f'"%[ssl_c_s_dn,{_TEXT}]"',
        "certificate_serial": '"%[ssl_c_serial,hex]"',
    }


def _variable(name: str) -> str:
    return f'"%[var({name}),{_TEXT}]"'


def sessions(plan: ProxyPlan) -> str:
    """`log-format`: of tunnels, refusals, and of what was asked before a tunnel."""
    return _line(
        {
            **_common(plan),
            "event": '"%[var(sess.event)]"',
            "target": _variable("sess.target"),
            "destination": _variable("sess.destination"),
            "environment": _variable("sess.environment"),
            "principal": f'"%[ssl_c_s_dn(CN),{_TEXT}]"',
            "issuer": _variable("sess.issuer"),
            "assurance": _variable("sess.assurance"),
            "correlation": _variable("txn.correlation"),
            "session": _variable("txn.session"),
            "stream": '"%[uuid()]"',
            "server_name": f'"%[ssl_fc_sni,{_TEXT}]"',
            "policy": _variable("sess.policy"),
            "reason": '"%[var(sess.reason)]"',
            "response_code": "%ST",
            "response_flags": '"%ts"',
            "bytes_in": "%U",
            "bytes_out": "%B",
            "duration_ms": "%Tt",
            "upstream": '"%si:%sp"',
            "upstream_local": '"%bi:%bp"',
        }
    )


def handshakes(plan: ProxyPlan) -> str:
    """`error-log-format`: of connections that failed before anything was asked: no certificate, or a wrong one."""
    said = {"event": '"handshake"', "reason": '"permission"', "duration_ms": "%Tt"}
    detail = f'"%[fc_err_str,{_TEXT}] %[ssl_fc_err_str,{_TEXT}]"'
    return _line({**_common(plan), **said, "detail": detail})


def answer(plan: ProxyPlan, reason: str = "", detail: str = "") -> str:
    """The body of an answer, as Envoy's refusals have it: which gate and policy decided, and what to look at."""
    said = {"gate": f'"{plan.gate}"', "policy": _variable("sess.policy")}
    return _line({**said, "reason": f'"{reason}"', "detail": f'"{detail}"'} if reason else said)
