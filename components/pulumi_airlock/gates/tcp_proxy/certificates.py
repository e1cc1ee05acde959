"""Who signs the certificates of tasks, and whom each is of: what a proxy without tokens tells tasks apart by. No SDK in here.

A certificate is of a principal, or in a cluster of a service account; a DAG's id is too long for it (X.520: 64 characters).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from ...access.errors import quoted
from .issuers import ACCOUNT, NAME, NAMESPACE, Assurance

MAX_NAME = 64
"""Characters of a common name, and of an organizational unit (RFC 5280, appendix A: ub-common-name)."""


@dataclass(frozen=True, slots=True)
class TaskCertificates:
    """The certificates of one environment's tasks, which the proxy's authority signs.

    One for each principal (`OU=<environment>, CN=<principal>`); with `namespace` one for each service account
    (`CN=system:serviceaccount:<namespace>:<account>`, as Kubernetes calls it).
    """

    name: str
    """What the proxy calls them."""
    environment: str
    """The Airflow environment whose tasks have them."""
    namespace: str | None = None
    """The namespace of the tasks' pods, each with its account's certificate; None: each certificate is of a principal."""
    assurance: Assurance = "asserted"
    """What they are worth: `attested` where a pod gets its own account's alone, else `asserted`: tasks share the keys."""

    def subject(self, principal: str, account: str) -> Mapping[str, str]:
        """The parts of the subject by which the proxy knows a principal's tasks."""
        if self.namespace is not None:
            return {"CN": f"{ACCOUNT}{self.namespace}:{account}"}
        return {"OU": self.environment, "CN": principal}


def wrong_certificates(several: Sequence[TaskCertificates]) -> Iterator[tuple[str, str]]:
    """What is wrong with them, as (path, message)."""
    if not several:
        yield "issuers", "none is given: nobody could tell the proxy which task is calling; write TaskCertificates(…)"
    names: set[str] = set()
    whose: set[tuple[str, str]] = set()
    for index, one in enumerate(several):
        path = f"issuers[{index}]"
        if not NAME.fullmatch(one.name):
            yield f"{path}.name", f"{quoted(one.name)}: write small letters, digits, - and _, at most 63 of them"
        if one.name in names:
            yield f"{path}.name", f"{quoted(one.name)} is given twice: names tell issuers apart"
        names.add(one.name)
        subject = (one.namespace or "", "" if one.namespace else one.environment)
        if subject in whose:
            what = f"accounts of namespace {one.namespace}" if one.namespace else f"principals of {one.environment}"
            yield path, f"certificates of {what} are given twice: the same certificate would be two"
        whose.add(subject)
        if one.assurance not in get_args(Assurance):
            yield f"{path}.assurance", f"{quoted(one.assurance)}: write one of {', '.join(get_args(Assurance))}"
        if one.namespace is not None and not NAMESPACE.fullmatch(one.namespace):
            yield f"{path}.namespace", f"{quoted(one.namespace)}: write small letters, digits and dashes, at most 63 of them"
        if one.namespace is None and one.assurance == "attested":
            yield f"{path}.assurance", "an environment's tasks share the keys of its principals: it is asserted, not attested"
