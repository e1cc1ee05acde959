"""What FortiOS services mean: custom ones by their port ranges, built-in ones from one dated table.

The table is the factory default of FortiOS 6.4–7.4 (`show firewall service custom`, read 2026-11). MGCP and GTP, which differ
between versions, are left out, and so unknown. Built-ins can be edited on a device; one that the stack manages is read from it.
"""

import re
from collections.abc import Mapping

from ...proof.sets import Services
from .bounds import Bound, union

_EPHEMERAL = (1024, 65535)
"""Source ports of clients (RFC 6056, section 3.2): a service limited to them matches every client."""

_RANGE = re.compile(r"(\d+)(?:-(\d+))?(?::(\d+)(?:-(\d+))?)?")

_PORTS: Mapping[str, Mapping[str, str]] = {
    "ALL_TCP": {"tcp": "1-65535"},
    "ALL_UDP": {"udp": "1-65535"},
    "AFS3": {"tcp": "7000-7009", "udp": "7000-7009"},
    "AOL": {"tcp": "5190-5194"},
    "BGP": {"tcp": "179"},
    "CVSPSERVER": {"tcp": "2401", "udp": "2401"},
    "DCE-RPC": {"tcp": "135", "udp": "135"},
    "DHCP": {"udp": "67-68"},
    "DHCP6": {"udp": "546 547"},
    "DNS": {"tcp": "53", "udp": "53"},
    "FINGER": {"tcp": "79"},
    "FTP": {"tcp": "21"},
    "FTP_GET": {"tcp": "21"},
    "FTP_PUT": {"tcp": "21"},
    "GOPHER": {"tcp": "70"},
    "H323": {"tcp": "1720 1503", "udp": "1719"},
    "HTTP": {"tcp": "80"},
    "HTTPS": {"tcp": "443"},
    "IKE": {"udp": "500 4500"},
    "IMAP": {"tcp": "143"},
    "IMAPS": {"tcp": "993"},
    "Internet-Locator-Service": {"tcp": "389"},
    "IRC": {"tcp": "6660-6669"},
    "KERBEROS": {"tcp": "88 464", "udp": "88 464"},
    "L2TP": {"tcp": "1701", "udp": "1701"},
    "LDAP": {"tcp": "389"},
    "LDAP_UDP": {"udp": "389"},
    "MMS": {"tcp": "1755", "udp": "1024-5000"},
    "MS-SQL": {"tcp": "1433 1434"},
    "MYSQL": {"tcp": "3306"},
    "NetMeeting": {"tcp": "1720"},
    "NFS": {"tcp": "111 2049", "udp": "111 2049"},
    "NNTP": {"tcp": "119"},
    "NTP": {"tcp": "123", "udp": "123"},
    "ONC-RPC": {"tcp": "111", "udp": "111"},
    "PC-Anywhere": {"tcp": "5631", "udp": "5632"},
    "POP3": {"tcp": "110"},
    "POP3S": {"tcp": "995"},
    "PPTP": {"tcp": "1723"},
    "QUAKE": {"udp": "26000 27000 27910 27960"},
    "RADIUS": {"udp": "1812 1813"},
    "RADIUS-OLD": {"udp": "1645 1646"},
    "RAUDIO": {"udp": "7070"},
    "RDP": {"tcp": "3389"},
    "REXEC": {"tcp": "512"},
    "RIP": {"udp": "520"},
    "RLOGIN": {"tcp": "513:512-1023"},
    "RSH": {"tcp": "514:512-1023"},
    "RTSP": {"tcp": "554 7070 8554", "udp": "554"},
    "SAMBA": {"tcp": "139"},
    "SCCP": {"tcp": "2000"},
    "SIP": {"tcp": "5060", "udp": "5060"},
    "SIP-MSNmessenger": {"tcp": "1863"},
    "SMB": {"tcp": "445"},
    "SMTP": {"tcp": "25"},
    "SMTPS": {"tcp": "465"},
    "SNMP": {"tcp": "161-162", "udp": "161-162"},
    "SOCKS": {"tcp": "1080", "udp": "1080"},
    "SQUID": {"tcp": "3128"},
    "SSH": {"tcp": "22"},
    "SYSLOG": {"udp": "514"},
    "TALK": {"udp": "517-518"},
    "TELNET": {"tcp": "23"},
    "TFTP": {"udp": "69"},
    "TRACEROUTE": {"udp": "33434-33535"},
    "UUCP": {"tcp": "540"},
    "VDOLIVE": {"tcp": "7000-7010"},
    "VNC": {"tcp": "5900"},
    "WAIS": {"tcp": "210"},
    "WINFRAME": {"tcp": "1494 2598"},
    "WINS": {"tcp": "1512", "udp": "1512"},
    "X-WINDOWS": {"tcp": "6000-6063"},
}
_PROTOCOLS = {"ALL_ICMP": "icmp", "ALL_ICMP6": "icmpv6", "AH": "51", "ESP": "50", "GRE": "47", "OSPF": "89"}
_ICMP_TYPES = {"PING": "icmp", "PING6": "icmpv6", "INFO_ADDRESS": "icmp", "INFO_REQUEST": "icmp", "TIMESTAMP": "icmp"}
_GROUPS = {
    "Email Access": ("DNS", "IMAP", "IMAPS", "POP3", "POP3S", "SMTP", "SMTPS"),
    "Exchange Server": ("DCE-RPC", "DNS", "HTTPS"),
    "Web Access": ("DNS", "HTTP", "HTTPS"),
    "Windows AD": ("DCE-RPC", "DNS", "KERBEROS", "LDAP", "LDAP_UDP", "SAMBA", "SMB"),
}


def builtin_service(name: str) -> Bound[Services] | None:
    """What a factory service or service group matches; None when FortiOS has none of this name."""
    if name.upper() == "ALL":
        return Bound.exactly(Services.every())
    if name == "NONE":
        return Bound.exactly(Services())
    if name in _PORTS:
        return union([port_ranges(protocol, text, name) for protocol, text in _PORTS[name].items()], Services())
    if name in _PROTOCOLS:
        return Bound.exactly(Services.of(_PROTOCOLS[name]))
    if name in _ICMP_TYPES:
        return Bound(Services(), Services.of(_ICMP_TYPES[name]), (f"{name}: one ICMP type alone",))
    if name in _GROUPS:
        return union([found for member in _GROUPS[name] if (found := builtin_service(member))], Services())
    return None


def port_ranges(protocol: str, text: str, reason: str) -> Bound[Services]:
    """The ports of `80 443 8000-8010:1024-65535`: destination ports, after a colon source ports.

    Source ports are no dimension of the proof: a range with all of a client's is no limit, a narrower one makes the match unsure.
    ValueError when the text is no list of ranges.
    """
    parts = []
    for item in text.replace(",", " ").split():
        found = _RANGE.fullmatch(item)
        if found is None:
            raise ValueError(item)
        first, last = int(found[1]), int(found[2] or found[1])
        ports = Services.of(protocol, first, last)
        source = (int(found[3]), int(found[4] or found[3])) if found[3] else (0, 65535)
        if source[0] <= _EPHEMERAL[0] and source[1] >= _EPHEMERAL[1]:
            parts.append(Bound.exactly(ports))
        else:
            parts.append(Bound(Services(), ports, (f"{reason}: source ports {source[0]}-{source[1]} alone",)))
    return union(parts, Services())
