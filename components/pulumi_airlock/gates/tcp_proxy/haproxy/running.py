"""How HAProxy is run, as plain data: one program that starts it, and reloads it when a file is another. No SDK in here.

A reload starts a worker that takes the sockets over; the one before it keeps its open tunnels until they end. So targets, rules,
certificates and authorities change alike, and none of them cuts a tunnel.
"""

from ..settings import Settings
from .config import FILE

SCRIPT = r"""set -u
said() { echo "{\"gate\":\"$GATE\",\"event\":\"files\",\"reason\":\"$1\"}"; }
digest() { cat "$CONFIG" "$TLS/tls.crt" "$TLS/tls.key" "$TLS/ca.crt" | sha256sum; }
used=$(digest)
haproxy -W -db -f "$CONFIG" &
main=$!
trap 'kill -TERM $main 2>/dev/null' TERM INT
trap 'kill -USR1 $main 2>/dev/null' USR1
while kill -0 $main 2>/dev/null; do
  sleep "$EVERY" & wait $! || true
  now=$(digest)
  [ "$now" != "$used" ] || continue
  # A certificate and its key are replaced one after the other: what does not fit yet is looked at again.
  if ! haproxy -c -q -f "$CONFIG" 2>/dev/null; then said 'not usable: what was read before stays'; continue; fi
  used=$now
  kill -USR2 $main
  said reloaded
done
wait $main
"""
"""Runs HAProxy as a master with workers. SIGTERM ends it at once; SIGUSR1 when its tunnels have ended."""


def command() -> list[str]:
    """What a container runs."""
    return ["/bin/sh", "-c", SCRIPT]


def environment(gate: str, place: Settings, every: str = "10") -> dict[str, str]:
    """What the program goes by. `every`: seconds between looks at the files."""
    return {"GATE": gate, "CONFIG": f"{place.folder}/{FILE}", "TLS": place.certificates, "EVERY": every}
