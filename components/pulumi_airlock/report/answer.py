"""Who on the way gave an HTTP answer, for a terminal and as JSON."""

from typing import Any

from ..gates.stack import Stack
from ..logs.answer import Answer, Speaker, Verdict
from ..tokens import CILIUM_GATE, CONSUL_GATE, ISTIO_GATE, LINKERD_GATE, NGINX_GATEWAY
from .lines import console as standard_output
from .lines import write

_GATES = {
    Speaker.GATEWAY: NGINX_GATEWAY,
    Speaker.SIGN_IN: NGINX_GATEWAY,
    Speaker.ISTIO: ISTIO_GATE,
    Speaker.CONSUL: CONSUL_GATE,
    Speaker.LINKERD: LINKERD_GATE,
    Speaker.CILIUM: CILIUM_GATE,
}
"""The component of each speaker's gate."""


def gates_of(stack: Stack | None, speaker: Speaker) -> tuple[str, ...]:
    """What the stack calls its gates of this kind."""
    token = _GATES.get(speaker)
    return () if stack is None or token is None else tuple(one.name for one in stack.of_type(token))


def show_answer(answer: Answer, found: tuple[Verdict, ...], stack: Stack | None) -> None:
    """Prints who gave it, by what that is known, and where to look."""
    out = standard_output()
    if not found:
        write(out, f"Nobody on the way is known by this answer ({answer.status}): it may be the destination's own.")
        return
    for number, one in enumerate(found):
        names = gates_of(stack, one.speaker)
        gate = f" ({', '.join(names)})" if names else ""
        lead = "" if len(found) == 1 else ("Likeliest: " if number == 0 else "Or: ")
        write(out, f"{lead}{answer.status} by {one.speaker.value}{gate}: it is {one.kind.value}. It refuses {one.says}.")
        write(out, f"Known by:   {one.mark}")
        write(out, f"What to do: {one.fix}")


def answer_to_json(answer: Answer, found: tuple[Verdict, ...], stack: Stack | None) -> dict[str, Any]:
    """The same as data."""
    return {
        "status": answer.status,
        "speakers": [
            {
                "speaker": one.speaker.name.lower().replace("_", "-"),
                "gates": list(gates_of(stack, one.speaker)),
                "kind": one.kind.value,
                "refuses": one.says,
                "mark": one.mark,
                "policy": one.policy or None,
                "fix": one.fix,
            }
            for one in found
        ],
    }
