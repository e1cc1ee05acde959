"""What differs between releases of Istio, as far as what is compiled depends on it. As of 2026-11."""

from collections.abc import Iterable

from ...errors import InputError, Problem

Version = tuple[int, int, int]

ACCOUNTS_SINCE = (1, 25, 0)
"""`source.serviceAccounts` is there from 1.25 (CVE-2026-39350 has it from 1.25.0); before, `principals` say the same."""
_DOTS_FIXED = {(1, 27): 9, (1, 28): 6, (1, 29): 2}
"""Release → the patch from which a dot in `serviceAccounts` is a dot; before, it means any character (CVE-2026-39350)."""
MAX_ACCOUNTS = 16
"""Values of one `serviceAccounts` list (CRD authorizationpolicies.security.istio.io, maxItems)."""


def parse_version(name: str, text: str) -> Version:
    """`1.27` or `1.27.3`, without a patch the first one. InputError for anything else."""
    parts = text.split(".")
    if len(parts) not in (2, 3) or not all(part.isdigit() for part in parts):
        raise InputError([Problem(name, "istio_version", f"{text!r} is no version of Istio: write 1.27 or 1.27.3")])
    major, minor, patch = (*map(int, parts), *([0] if len(parts) == 2 else []))
    return major, minor, patch


def takes_accounts(version: tuple[int, ...], accounts: Iterable[str]) -> bool:
    """Whether callers are named by their service accounts; otherwise by principals, in which a dot is a dot."""
    if version < ACCOUNTS_SINCE[: len(version)]:
        return False
    patch = version[2] if len(version) > 2 else 0
    sound = version[:2] > max(_DOTS_FIXED) or patch >= _DOTS_FIXED.get((version[0], version[1]), 1 << 16)
    return sound or not any("." in one for one in accounts)
