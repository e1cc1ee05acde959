"""A FortiGate's syslog: reliable, over TLS, to the SIEM's receiver, which it is given the CA of.

Facts: Fortinet, "FortiOS CLI Reference", `config log syslogd setting`, `filter`, `config log setting`. These are settings, of
which a device has one each: creating one writes over what the device has. With several VDOMs the device's setting is for all of
them, and a VDOM's own overrides it (`override-setting`, with `syslog-override` on). Untried on a device: that FortiOS checks the
receiver's certificate against imported CAs whenever `enc-algorithm` is not `disable` is what its documentation implies.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pulumi

from ..errors import Problems
from ..gates.fortigate.dialect import Dialect, Sdk, check_sdk
from .siem import SyslogIntake

Slot = Literal[1, 2, 3, 4]
Format = Literal["default", "csv", "cef", "rfc5424", "json"]

FORMATS = ("default", "csv", "cef", "rfc5424", "json")
_FACILITY = re.compile(r"local[0-7]|user|daemon|auth|authpriv|audit|alert|kernel|syslog")
_CA_NAME = 79
_SLOTS: Mapping[int, str] = {1: "", 2: "2", 3: "3", 4: "4"}
"""Slot → what follows `logsyslogd` in its resources' names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FortigateSyslog:
    """One device's syslog.

    A device has four slots for syslog servers; whatever is in the one that is given is written over. Slot 1 is where a collector
    usually is already: taking it needs `take_over`.
    """

    slot: Slot
    provider: pulumi.ProviderResource | None = None
    """The device's provider; that of the component's options unless given."""
    take_over: bool = False
    """Knowingly writes over what is in slot 1."""
    vdom: str | None = None
    """With several VDOMs: the one whose logs go to the SIEM, by an override of the device's own setting."""
    certificate: str | None = None
    """Name, on the device, of the client certificate that it shows; the device's own default unless given."""
    format: Format = "rfc5424"
    """`json` needs FortiOS 7.6 or later (unverified)."""
    facility: str = "local7"
    source_ip: str | None = None
    """Where the device sends from, so that the receiver lets it in."""
    resolve_ip: bool = False
    """Whether the device looks up names of addresses for its logs: convenient, and slow on a busy one."""
    dialect: Dialect = "pulumiverse"
    """`pulumiverse`, or `terraform-provider` for FortiOS 7.4.5 and later; another one makes all resources anew."""


def check_syslog(
    label: str, one: FortigateSyslog, intake: SyslogIntake | None, problems: Problems, opts: pulumi.ResourceOptions | None
) -> None:
    """Notes what the device would refuse, and what would be written over unawares."""
    path = f'fortigates["{label}"]'
    if intake is None:
        problems.add(path, "a FortiGate speaks syslog alone: give siem.syslog, the SIEM's receiver (a collector in front of it)")
    if one.slot not in _SLOTS:
        problems.add(f"{path}.slot", f"{one.slot!r}: a FortiGate has slots 1 to 4")
    if one.slot == 1 and not one.take_over:
        fix = "take slot 2, 3 or 4, or say take_over=True to write over what is there"
        problems.add(f"{path}.slot", f"1 is where a device's collector usually is: {fix}")
    if one.slot != 1 and one.take_over:
        problems.add(f"{path}.take_over", f"not used with slot {one.slot}: leave it out")
    if one.format not in FORMATS:
        problems.add(f"{path}.format", f"{one.format!r} is none of {', '.join(FORMATS)}")
    if not _FACILITY.fullmatch(one.facility):
        problems.add(f"{path}.facility", f"{one.facility!r} is no syslog facility; write local0 to local7")
    own = opts if one.provider is None else pulumi.ResourceOptions(provider=one.provider)
    check_sdk(problems, one.dialect, own, f"{path}.dialect")
    if intake is not None and len(intake.host) > 127:
        problems.add("siem.syslog.host", f"{len(intake.host)} characters: a FortiGate takes 127")


def make_syslog(name: str, label: str, one: FortigateSyslog, intake: SyslogIntake, parent: pulumi.Resource) -> None:
    """The CA, the receiver, what is sent, and that what no policy matches is logged at all."""
    sdk, server = Sdk(one.dialect), f"logsyslogd{_SLOTS[one.slot]}"
    opts = pulumi.ResourceOptions(parent=parent, provider=one.provider)
    key = f"{name}-{label}"
    after = opts
    if intake.ca_pem is not None:
        authority = sdk.certificate_ca(
            f"{key}-syslog-ca",
            name=f"{name}-syslog"[:_CA_NAME],
            ca=intake.ca_pem,
            range="vdom" if one.vdom else "global",
            source="user",
            trusted="enable",
            ssl_inspection_trusted="disable",
            vdomparam=one.vdom,
            opts=opts,
        )
        after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[authority]))
    # The filter first: from its first line on, the receiver gets what it should.
    override = one.vdom is not None
    kind = "override" if override else ""
    make_filter, make_setting = (getattr(sdk, f"{server}_{kind}{what}") for what in ("filter", "setting"))
    narrowed = make_filter(f"{key}-syslog-filter", **_everything(one), opts=opts)
    make_setting(
        f"{key}-syslog",
        status="enable",
        server=intake.host,
        port=intake.port,
        mode="reliable",
        enc_algorithm="high",
        ssl_min_proto_version="TLSv1-2",
        certificate=one.certificate,
        facility=one.facility,
        format=one.format,
        priority="default",
        max_log_rate=0,
        source_ip=one.source_ip,
        vdomparam=one.vdom,
        opts=pulumi.ResourceOptions.merge(after, pulumi.ResourceOptions(depends_on=[narrowed])),
    )
    sdk.log_setting(
        f"{key}-log",
        fwpolicy_implicit_log="enable",
        fwpolicy6_implicit_log="enable",
        local_in_allow="enable",
        local_in_deny_unicast="enable",
        log_policy_name="enable",
        log_policy_comment="enable",
        log_invalid_packet="enable",
        resolve_ip="enable" if one.resolve_ip else "disable",
        user_anonymize="disable",  # an audit asks who it was
        syslog_override="enable" if override else None,
        brief_traffic_format="disable",
        vdomparam=one.vdom,
        opts=opts,
    )


def _everything(one: FortigateSyslog) -> dict[str, Any]:
    """All traffic and events, from `information` on: what a policy let through is of that severity."""
    return {
        "severity": "information",
        "forward_traffic": "enable",
        "local_traffic": "enable",
        "multicast_traffic": "enable",
        "sniffer_traffic": "disable",
        "ztna_traffic": "enable",
        "anomaly": "enable",
        "vdomparam": one.vdom,
    }
