"""A task's connections through a real Envoy: what passes, in which form, and how many at once."""

import hashlib
import os
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from forwarding import (
    RUN,
    Start,
    echo,
    received,
    wait_until,
)


def test_bytes_pass_both_ways_and_both_sides_log_the_same_session(start: Start) -> None:
    with start() as parts:
        end = parts.open()
        data = random.Random(1).randbytes(3_000_000)  # noqa: S311
        with socket.create_connection(end, timeout=30) as one:
            sender = threading.Thread(target=one.sendall, args=(data,))
            sender.start()
            back = received(one, len(data))
            sender.join()
        closed = parts.trail.wait_for("Close")
        wait_until(lambda: bool(parts.proxy.sessions()))
        (proxied,) = parts.proxy.sessions()

    assert hashlib.sha256(back).digest() == hashlib.sha256(data).digest()
    assert parts.trail.activities() == ["Open", "Close"]
    assert closed["traffic"] == {"bytes": 6_000_000, "bytes_in": 3_000_000, "bytes_out": 3_000_000}
    assert closed["actor"]["session"]["expiration_reason"] == "client"
    assert (proxied["correlation"], proxied["code"]) == (RUN.correlation, 200)
    assert closed["metadata"]["correlation_uid"] == RUN.correlation


def test_a_destination_that_speaks_first_is_heard(start: Start) -> None:
    def greet(one: socket.socket) -> None:
        one.sendall(b"220 ready\r\n")
        echo(one)

    with start(greet) as parts, socket.create_connection(parts.open(), timeout=30) as one:
        assert received(one, 11) == b"220 ready\r\n"
        one.sendall(b"x")
        assert received(one, 1) == b"x"


def test_all_that_a_destination_sent_before_it_closed_arrives_with_its_end(start: Start) -> None:
    data = os.urandom(2_000_000)

    def answer(one: socket.socket) -> None:
        one.recv(100)
        one.sendall(data)

    with start(answer) as parts:
        with socket.create_connection(parts.open(), timeout=30) as one:
            one.sendall(b"query")
            time.sleep(0.1)  # the answer waits for a slow reader
            assert received(one, 3_000_000) == data
        assert parts.trail.wait_for("Close")["actor"]["session"]["expiration_reason"] == "destination"


def test_a_client_that_says_no_more_still_gets_its_answer(start: Start) -> None:
    def answer(one: socket.socket) -> None:
        question = received(one, 5)
        time.sleep(0.3)
        one.sendall(b"answer to " + question)

    with start(answer) as parts, socket.create_connection(parts.open(), timeout=30) as one:
        one.sendall(b"query")
        one.shutdown(socket.SHUT_WR)
        assert received(one, 100) == b"answer to query"


def test_a_client_that_closes_ends_the_session_at_the_destination_though_it_says_nothing(start: Start) -> None:
    ended = threading.Event()

    def listen(one: socket.socket) -> None:
        while one.recv(1000):
            pass
        ended.set()

    with start(listen) as parts:
        with socket.create_connection(parts.open(), timeout=30) as one:
            one.sendall(b"begin")
            parts.trail.wait_for("Open")
        assert ended.wait(30)
        assert parts.trail.wait_for("Close")["actor"]["session"]["expiration_reason"] == "client"


def test_a_client_that_half_closed_and_then_died_ends_the_session_too(start: Start) -> None:
    ended = threading.Event()

    def listen(one: socket.socket) -> None:
        while one.recv(1000):
            pass
        ended.set()

    with start(listen) as parts:
        one = socket.create_connection(parts.open(), timeout=30)
        one.sendall(b"begin")
        one.shutdown(socket.SHUT_WR)
        parts.trail.wait_for("Open")
        one.close()
        assert ended.wait(30)


def test_a_slow_reader_holds_the_destination_back_and_no_memory_fills(start: Start) -> None:
    sent = [0]

    def flood(one: socket.socket) -> None:
        one.settimeout(3)
        block = bytes(1 << 16)
        try:
            while sent[0] < 1 << 30:
                sent[0] += one.send(block)
        except TimeoutError:
            pass

    with start(flood) as parts, socket.create_connection(parts.open(), timeout=30) as one:
        parts.trail.wait_for("Open")
        before = -1
        while before != sent[0]:
            before = sent[0]
            time.sleep(0.5)
        # What fills up are the buffers of sockets and of the proxy; a forwarder that takes all would have a gigabyte.
        assert 0 < before < 100_000_000
        assert received(one, before) == bytes(before)


def test_two_hundred_connections_at_once_each_get_their_own_bytes(start: Start) -> None:
    together = threading.Barrier(200, timeout=60)

    def ask(end: tuple[str, int], number: int) -> bool:
        data = random.Random(number).randbytes(20_000)  # noqa: S311
        with socket.create_connection(end, timeout=60) as one:
            together.wait()
            one.sendall(data)
            return received(one, len(data)) == data

    with start() as parts, ThreadPoolExecutor(200) as pool:
        end = parts.open()
        assert all(pool.map(lambda number: ask(end, number), range(200)))
        parts.trail.wait_for("Close", 200)
        uids = [event["actor"]["session"]["uid"] for event in parts.trail.events() if event["activity_name"] == "Open"]
        assert len(set(uids)) == 200
        assert parts.tokens.asked <= 2  # one token for all of them, and not one each
        assert parts.forwarder.sessions == 0
