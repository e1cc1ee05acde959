"""Speaks to whatever runs as a destination here: PostgreSQL, or the echo server that stands in where none is installed."""

import socket

from airflow.sdk import Connection


def ask(conn_id: str, question: str) -> str:
    """Signs in with what the connection says, asks one thing, and gives the answer."""
    connection = Connection.get(conn_id)
    with socket.create_connection((connection.host, connection.port), timeout=10) as opened:
        opened.settimeout(2)
        try:
            greeting = opened.recv(200)
        except TimeoutError:  # PostgreSQL waits to be spoken to
            greeting = b""
        if greeting:
            return _echo(opened, connection, question)
    return _sql(connection)


def _echo(opened: socket.socket, connection: Connection, question: str) -> str:
    if connection.password:
        opened.sendall(f"LOGIN {connection.login} {connection.password}\n".encode())
    opened.sendall(f"{question}\n".encode())
    return f"{connection.login or 'nobody'} was answered: {opened.recv(200).decode().strip()}"


def _sql(connection: Connection) -> str:
    import pg8000.native

    place = {"host": connection.host, "port": connection.port, "database": "postgres", "timeout": 10}
    opened = pg8000.native.Connection(connection.login, password=connection.password, **place)
    try:
        return f"{connection.login} was answered: {opened.run('SELECT current_user, version()')}"
    finally:
        opened.close()
