"""A destination: echoes, sends, or takes in bytes, as the first bytes of a connection ask.

`E`: echo. `S` and eight bytes: sends so many. `R` and eight bytes: takes so many, then says `.`.
"""

import socket
import threading

CHUNK = bytes(1 << 18)


def main() -> None:
    """Serves until it is ended; prints its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            one, _ = server.accept()
            threading.Thread(target=_serve, args=(one,), daemon=True).start()


def _serve(one: socket.socket) -> None:
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with one:
        try:
            mode = one.recv(1)
            if mode == b"E":
                while data := one.recv(65536):
                    one.sendall(data)
            elif mode:
                count = int.from_bytes(_exactly(one, 8), "big")
                (_send if mode == b"S" else _take)(one, count)
        except OSError:
            return


def _exactly(one: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count and (data := one.recv(count - len(found))):
        found += data
    return found


def _send(one: socket.socket, count: int) -> None:
    while count:
        part = CHUNK[: min(count, len(CHUNK))]
        one.sendall(part)
        count -= len(part)


def _take(one: socket.socket, count: int) -> None:
    buffer = bytearray(1 << 18)
    while count > 0 and (got := one.recv_into(buffer)):
        count -= got
    one.sendall(b".")


if __name__ == "__main__":
    main()
