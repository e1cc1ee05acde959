"""Who vouches for tasks, and where a token says what of them. No SDK in here.

Contract of the token: docs/provider.md. What a proxy decides by is the DAG and task of the token, or its service account: never a
claim that names a principal.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

from ...access.errors import quoted

Kind = Literal["sts", "kms", "projected", "oidc"]
"""AWS STS (`GetWebIdentityToken`), a key in a cloud's KMS, Kubernetes (a projected token), or another issuer of OIDC tokens."""
Assurance = Literal["asserted", "attested"]
STS_CLAIMS = ("https://sts.amazonaws.com/", "request_tags")
"""Where STS puts the tags of the call (AWS IAM User Guide, "Understanding token claims"); they are named as `TASK_CLAIMS`."""
CLAIMS = ("airlock",)
"""Where tokens that the provider signs, or has signed, say what they are for."""
TASK_CLAIMS = ("environment", "dag_id", "task_id", "run_id", "try_number", "map_index", "ti_id", "correlation", "agent_id")
ACCOUNT = "system:serviceaccount:"
"""How Kubernetes begins the subject of a service account's token: `system:serviceaccount:<namespace>:<account>`."""
LONGEST_TOKEN = 3600
"""Seconds for which a token may hold at most; also what STS gives at most."""

NAME = re.compile(r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?")
"""What an issuer may be called."""
NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""What a namespace of Kubernetes may be called (RFC 1123)."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class TaskIssuer:
    """Who signs the tokens of one environment's tasks. Its keys come from `jwks_uri`, or are given as `jwks`."""

    name: str
    """What the proxy calls it."""
    kind: Kind
    environment: str
    """The Airflow environment whose tasks it vouches for; another in a token of it is refused."""
    issuer: str
    """The token's `iss`."""
    audience: str
    """The token's `aud`: what the proxy is called."""
    jwks_uri: str | None = None
    """Where its public keys are, https; for `sts` that of the issuer without it."""
    jwks: str | None = None
    """Its public keys, a JSON Web Key Set (RFC 7517): kept in a file, which is read again when replaced."""
    subject: str | None = None
    """The token's `sub`: for `sts` the role's ARN, so that another role of the account is not taken for this environment."""
    namespace: str | None = None
    """`projected`: the namespace of the tasks' service accounts."""
    assurance: Assurance = "asserted"
    """What it is worth: `attested` where a task cannot get another's token (a pod of its own), else `asserted`."""
    longest: int = LONGEST_TOKEN
    """Seconds for which its tokens may hold at most."""

    @property
    def claims(self) -> tuple[str, ...]:
        """The path to a task's claims; empty where tokens say nothing but their subject."""
        if self.kind == "projected":
            return ()
        return STS_CLAIMS if self.kind == "sts" else CLAIMS

    @property
    def keys_uri(self) -> str | None:
        """Where its keys are fetched from; None where they are given."""
        if self.jwks is not None:
            return None
        return self.jwks_uri or (f"{self.issuer.rstrip('/')}/.well-known/jwks.json" if self.kind == "sts" else None)

    def subject_of(self, account: str) -> str:
        """The subject of a service account's token."""
        return f"{ACCOUNT}{self.namespace}:{account}"


def wrong_issuers(issuers: Sequence[TaskIssuer]) -> Iterator[tuple[str, str]]:
    """What is wrong with issuers, as (path, message)."""
    if not issuers:
        yield "issuers", "none is given: nobody could tell the proxy which task is calling"
    seen: set[str] = set()
    for index, one in enumerate(issuers):
        path = f"issuers[{index}]"
        if one.name in seen:
            yield f"{path}.name", f"{quoted(one.name)} is given twice: names tell issuers apart"
        seen.add(one.name)
        yield from ((f"{path}.{field}", message) for field, message in _wrong(one))


def _wrong(one: TaskIssuer) -> Iterator[tuple[str, str]]:
    if not NAME.fullmatch(one.name):
        yield "name", f"{quoted(one.name)}: write small letters, digits, - and _, at most 63 of them"
    if not _is_url(one.issuer):
        yield "issuer", f"{quoted(one.issuer)} is no issuer: write its https URL"
    if not one.audience.strip():
        yield "audience", "is empty: write what tokens for the proxy have as `aud`"
    yield from _wrong_source(one)
    for field, words in (("kind", Kind), ("assurance", Assurance)):
        if (said := getattr(one, field)) not in get_args(words):
            yield field, f"{quoted(said)}: write one of {', '.join(get_args(words))}"
    if one.namespace and not NAMESPACE.fullmatch(one.namespace):
        yield "namespace", f"{quoted(one.namespace)}: write small letters, digits and dashes, at most 63 of them"
    if one.kind == "projected" and not one.namespace:
        yield "namespace", "write the namespace of the tasks' service accounts: their names alone are not unique"
    if one.kind != "projected" and one.namespace:
        yield "namespace", f"tokens of {one.kind} have no namespace: leave it out"
    if one.kind == "sts" and not one.subject:
        yield "subject", "write the ARN of the environment's role: every role of the account has the same issuer"
    if one.kind in ("sts", "kms") and one.assurance == "attested":
        yield "assurance", f"what {one.kind} signs is claimed by whoever has the role: it is asserted, not attested"
    if not 60 <= one.longest <= 86400:
        yield "longest", f"{one.longest} seconds: between 60 and 86400"


def _wrong_source(one: TaskIssuer) -> Iterator[tuple[str, str]]:
    if one.jwks is not None and one.jwks_uri is not None:
        yield "jwks", "give jwks or jwks_uri, not both"
    elif one.jwks is not None:
        yield from (("jwks", message) for message in _wrong_keys(one.jwks))
    elif one.keys_uri is None:
        yield "jwks_uri", f"say where the keys of {one.kind} are, or give them as jwks"
    elif not _is_url(one.keys_uri):
        yield "jwks_uri", f"{quoted(one.keys_uri)}: write an https URL; whoever changes keys on the way can be any task"


def _is_url(text: str) -> bool:
    """An https URL; on this machine http will do, for tests and the local stack."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if not parts.hostname or port == 0 or parts.query or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _wrong_keys(text: str) -> Iterator[str]:
    try:
        found = json.loads(text)
        keys = found["keys"]
        kinds = [one["kty"] for one in keys]
        private = any("d" in one or "k" in one for one in keys)
    except (ValueError, TypeError, KeyError):
        yield 'is no JSON Web Key Set: write {"keys": [...]}'
        return
    if not keys:
        yield "holds no key"
    if any(one not in ("RSA", "EC", "OKP") for one in kinds) or private:
        yield "holds a key that is no public one: keep that where tokens are signed"
