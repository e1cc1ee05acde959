"""What a forked process finds: none of its parent's threads, and a lock that one of them held stays locked for ever."""

from __future__ import annotations

import os
import threading


def lock() -> threading.Lock:
    """A lock of a module, which is open in a forked process."""
    made = threading.Lock()
    # As Python's own modules have it (`random`, `logging`, `concurrent.futures`).
    os.register_at_fork(after_in_child=made._at_fork_reinit)  # type: ignore[attr-defined]
    return made
