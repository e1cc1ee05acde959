"""Whose a connection on this machine is: by netlink, and by /proc where a sandbox forbids that."""

import os
import socket
import sys
from collections.abc import Callable

import pytest
from airlock_provider.forwarder import local

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")

Ask = Callable[[tuple[str, int], tuple[str, int]], local.Owner | None]


@pytest.fixture(params=[local._by_netlink, local._by_proc], ids=["netlink", "proc"])
def ask(request: pytest.FixtureRequest) -> Ask:
    return request.param  # type: ignore[no-any-return]


def test_the_owner_of_a_connection_is_its_user_and_nobody_once_it_is_closed(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        taken, there = server.accept()
        here = taken.getsockname()
        open_one = ask(there, here)
        client.shutdown(socket.SHUT_WR)
        half_closed = ask(there, here)
        client.close()
        closed = ask(there, here)
        taken.close()

    assert open_one == local.Owner(os.geteuid(), open_one.inode if open_one else -1)
    assert half_closed == open_one
    assert closed is None or not closed.is_open


def test_a_connection_that_there_is_not_has_no_owner(ask: Ask) -> None:
    assert ask(("127.0.0.1", 1), ("127.0.0.1", 2)) is None


def test_both_ways_to_ask_say_the_same_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        clients = [socket.create_connection(server.getsockname()) for _ in range(40)]
        ends = [server.accept() for _ in clients]
        for taken, there in ends:
            assert local._by_netlink(there, taken.getsockname()) == local._by_proc(there, taken.getsockname())
        for one in [*clients, *(taken for taken, _ in ends)]:
            one.close()


def test_where_netlink_is_forbidden_proc_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    class Forbidding(socket.socket):
        def __new__(cls, *given: object, **more: object) -> "Forbidding":
            if given and given[0] == getattr(socket, "AF_NETLINK", None):
                raise PermissionError(1, "Operation not permitted")
            return super().__new__(cls)

    with socket.create_server(("127.0.0.1", 0)) as server, real() as client:
        client.connect(server.getsockname())
        taken, there = server.accept()
        monkeypatch.setattr(local.socket, "socket", Forbidding)
        found = local.owner(there, taken.getsockname())
        monkeypatch.undo()
        taken.close()

    assert found is not None
    assert found.uid == os.geteuid()
