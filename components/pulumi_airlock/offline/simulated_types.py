"""The table of simulated providers: for each resource type its id, its computed outputs, and what replaces it.

Properties that force a replacement: `ForceNew` in the Terraform providers' schemas. Types that are not listed here get a generic
id (see `simulation`).
"""

from collections.abc import Mapping

from ..gates.kinds import kind_of
from .simulated_aws import AWS
from .simulated_credentials import CREDENTIALS
from .simulated_fortios import FORTIOS
from .simulated_gcp import GCP
from .simulated_identity import IDENTITY
from .simulated_kubernetes import KUBERNETES, OBJECT
from .simulated_zia import ZIA
from .simulated_zpa import ZPA
from .simulation import Simulated

_RANDOM: dict[str, Simulated] = {
    "random:index/randomPassword:RandomPassword": Simulated(
        "none",
        {"result": "{hex32.result}", "bcryptHash": "$2a$10${hex53.bcrypt}"},
        frozenset(("length", "special", "upper", "lower", "numeric", "minUpper", "minLower", "overrideSpecial", "keepers")),
        secret=frozenset(("result", "bcryptHash")),
    ),
}

TYPES: Mapping[str, Simulated] = {**AWS, **CREDENTIALS, **_RANDOM, **FORTIOS, **GCP, **IDENTITY, **KUBERNETES, **ZIA, **ZPA}
"""Every simulated type, by its token."""

KINDS: Mapping[str, Simulated] = {kind_of(token): simulated for token, simulated in FORTIOS.items()}
"""Types of FortiOS by their kind, whose tokens differ between its two packages."""

OTHERS: Mapping[str, Simulated] = {"kubernetes": OBJECT}
"""What is made up for a package's types that are not listed."""
