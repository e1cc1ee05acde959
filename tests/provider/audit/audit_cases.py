"""One event of each kind, of a task run with everything that can be known of it, and of one with as little as can be."""

from collections.abc import Iterator

from airlock_provider import audit

AT = 1_790_000_000.25
FULL = audit.TaskRun(
    environment="finance",
    dag_id="ledger_close",
    task_id="load",
    run_id="scheduled__2026-11-24T02:00:00+00:00",
    try_number=2,
    map_index=3,
    ti_id="0199f0a2-1111-7222-8333-444455556666",
    correlation="019aaaaa-bbbb-7ccc-8ddd-eeeeffff0000",
    assurance="attested",
    agent_id="agent-7",
    principal="ledger-close",
)
BARE = audit.TaskRun("", "d", "t", "manual")
WAREHOUSE = audit.Destination("warehouse", "warehouse.corp.example", 5432, zone="datacenter", route="finance-warehouse")
NOWHERE = audit.Destination("warehouse")
SESSION = audit.Session(
    WAREHOUSE,
    opened=AT,
    gate="tcp_proxy",
    proxy="proxy.airlock.internal:8443",
    deadline=AT + 3600,
    source_ip="10.1.2.3",
    source_port=41234,
    token_uid="jti-1",
    issuer="https://issuer.example",
)
PLAIN = audit.Session(NOWHERE, opened=AT)
REFUSALS = [
    audit.Refusal(kind, f"refused by {kind}", gate="tcp_proxy", rule="deny-warehouse-5432", detail="rbac", status=403)
    for kind in (audit.PERMISSION, audit.ROUTING, audit.TOKEN, audit.TRUST, audit.CREDENTIAL)
]


def every_event() -> Iterator[tuple[str, audit.Event]]:
    """Each with a name."""
    for name, run, session in (("full", FULL, SESSION), ("bare", BARE, PLAIN)):
        where = session.destination
        yield f"{name} started", audit.task_started(run)
        yield f"{name} ended", audit.task_ended(run, success=True)
        yield f"{name} failed", audit.task_ended(run, success=False, state="up_for_retry")
        yield f"{name} opened", audit.session_opened(run, session)
        yield f"{name} closed", audit.session_closed(run, session, bytes_in=10, bytes_out=20, reason="deadline", ended=AT + 5)
        yield f"{name} token", audit.token_issued(run, issuer="https://i", uid="j", expires=AT, source="sts", renewed=True)
        yield f"{name} credential", audit.credential_issued(run, where, kind="rds-iam", ref="db", expires=AT, user="etl")
        for refusal in REFUSALS:
            yield f"{name} session refused {refusal.kind}", audit.session_refused(run, session, refusal)
            yield f"{name} access refused {refusal.kind}", audit.access_refused(run, where, refusal)
            yield f"{name} token refused {refusal.kind}", audit.token_failed(run, refusal, issuer="")
            yield f"{name} credential refused {refusal.kind}", audit.credential_refused(run, where, refusal, kind="vault")
    yield "lost", audit.events_lost(7, "file")
