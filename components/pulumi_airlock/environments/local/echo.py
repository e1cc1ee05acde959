"""A destination of the local stack where no PostgreSQL is installed: it says what it is, and sends back what it is sent.

python -m pulumi_airlock.environments.local.echo PORT NAME
"""

import socketserver
import sys


def main() -> None:
    """Serves until it is stopped."""
    port, name = int(sys.argv[1]), sys.argv[2]
    greeting = f"{name}: a small echo server of Airlock's local stack, no database\n".encode()

    class Echo(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(greeting)
            for line in self.rfile:
                self.wfile.write(line)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", port), Echo) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
