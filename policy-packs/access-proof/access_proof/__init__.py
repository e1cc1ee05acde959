"""The proof as policies over a whole stack.

`evidence` finds the declared access and proves the stack against it; `findings` puts what it found on resources, in words;
`policies` says which of that violates what.
"""

NAME = "airlock-access-proof"
"""The pack's name: how a stack's policy configuration refers to it. A contract."""
