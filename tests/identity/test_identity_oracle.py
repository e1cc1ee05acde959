"""Whom a trust policy lets in, against the principal's globs: every task decided one by one, as IAM and the access file would."""

import json
from collections.abc import Iterable
from datetime import date
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_airlock.access import Access
from pulumi_airlock.gates.stack import Resource, Stack
from pulumi_airlock.identity import Place, plan_identity, prove_identity, read_identity
from pulumi_airlock.identity.aws_policies import workload_trust
from pulumi_airlock.identity.findings import Kind
from test_identity_patterns import iam_matches

IDS = ["".join(chars) for length in (1, 2, 3) for chars in product("ab", repeat=length)]
CALLER = "arn:aws:iam::123456789012:role/tasks"
GLOBS = st.lists(st.sampled_from(["*", "a*", "*b", "a?", "?", "ab", "a*b", "[ab]a"]), min_size=1, max_size=3, unique=True)
PATTERNS = st.lists(st.sampled_from(["*", "a*", "*b", "a?", "?", "ab", "a*b", "ba", "b"]), min_size=1, max_size=3, unique=True)


def declared(dags: list[str], tasks: list[str]) -> Access:
    return Access.model_validate(
        {
            "principals": [{"name": "it", "dags": dags, "tasks": tasks, "environment": "e"}],
            "zones": {},
            "destinations": [],
            "routes": [],
        }
    )


def stack(trust: dict[str, Any]) -> Stack:
    told = {"workloads": {"it": {"awsRole": "r"}}, "executionRoles": {"e": CALLER}, "environments": {"e": "e"}}
    return Stack(
        [
            Resource("urn:pulumi:s::p::airlock:index:Identity::identity", "airlock:index:Identity", told),
            Resource(
                "urn:pulumi:s::p::aws:iam/role:Role::r", "aws:iam/role:Role", {"name": "r", "assumeRolePolicy": json.dumps(trust)}
            ),
        ]
    )


def matched(patterns: Iterable[str], text: str) -> bool:
    return any(iam_matches(pattern, text) for pattern in patterns)


def said(message: str) -> tuple[str, str]:
    """The task that a finding names."""
    words = message.replace("lets in ", "let in ").partition("let in ")[2]
    dag, _, task = words.partition(",")[0].partition(".")
    return dag, task


@settings(max_examples=150, deadline=None)
@given(GLOBS, GLOBS, PATTERNS, PATTERNS)
def test_every_task_that_gets_in_is_declared_and_every_declared_one_gets_in(
    dags: list[str], tasks: list[str], admitted_dags: list[str], admitted_tasks: list[str]
) -> None:
    access = declared(dags, tasks)
    trust = workload_trust(plan_identity(access, Place(environments=("e",))).workloads[0], [CALLER])
    condition = trust["Statement"][0]["Condition"]["StringLike"]
    condition["aws:RequestTag/dag_id"], condition["aws:RequestTag/task_id"] = admitted_dags, admitted_tasks
    found = {one.kind: one for one in prove_identity(access, read_identity(stack(trust)), date(2026, 11, 26))}

    principal = access.principals[0]
    wrongly = [
        (dag, task)
        for dag, task in product(IDS, IDS)
        if matched(admitted_dags, dag) and matched(admitted_tasks, task) and not principal.covers(dag, task)
    ]
    lacking = [
        (dag, task)
        for dag, task in product(IDS, IDS)
        if principal.covers(dag, task) and not (matched(admitted_dags, dag) and matched(admitted_tasks, task))
    ]
    assert not wrongly or Kind.WIDER in found, wrongly[0]
    assert not lacking or Kind.NARROWER in found, lacking[0]
    # What a finding names is so: it gets in and is not declared, or the other way round.
    if Kind.WIDER in found:
        dag, task = said(found[Kind.WIDER].message)
        assert matched(admitted_dags, dag)
        assert matched(admitted_tasks, task)
        assert not principal.covers(dag, task)
    if Kind.NARROWER in found:
        dag, task = said(found[Kind.NARROWER].message)
        assert principal.covers(dag, task)
        assert not (matched(admitted_dags, dag) and matched(admitted_tasks, task))


@settings(deadline=None)
@given(GLOBS, GLOBS)
def test_what_is_compiled_is_neither_wider_nor_narrower(dags: list[str], tasks: list[str]) -> None:
    access = declared(dags, tasks)
    trust = workload_trust(plan_identity(access, Place(environments=("e",))).workloads[0], [CALLER])
    assert prove_identity(access, read_identity(stack(trust)), date(2026, 11, 26)) == ()
    values = trust["Statement"][0]["Condition"]["StringLike"]
    for dag, task in product(IDS[:6], IDS[:6]):
        admitted = matched(values["aws:RequestTag/dag_id"], dag) and matched(values["aws:RequestTag/task_id"], task)
        assert admitted == access.principals[0].covers(dag, task)
