"""Runs policy packs for the offline engine: real packs, as processes, over the analyzer protocol that the Pulumi CLI speaks.

    with PolicyPacks.start([PackSpec(Path("policy-packs/least-privilege"))], project="bank", stack="prod", dry_run=True) as packs:
        found = packs.analyze(request)

`manifest` reads PulumiPolicy.yaml, `config` reconciles its policies' configuration, `host` talks to it.
"""

from .client import Timeouts
from .config import PackConfig, load_config
from .host import PackSpec, Pending, PolicyPacks
from .manifest import Manifest, load_manifest
from .results import Diagnostic, Level, NotApplicable, PackInfo, PolicyInfo, PolicyPackError, Remediation

__all__ = [
    "Diagnostic",
    "Level",
    "Manifest",
    "NotApplicable",
    "PackConfig",
    "PackInfo",
    "PackSpec",
    "Pending",
    "PolicyInfo",
    "PolicyPackError",
    "PolicyPacks",
    "Remediation",
    "Timeouts",
    "load_config",
    "load_manifest",
]
