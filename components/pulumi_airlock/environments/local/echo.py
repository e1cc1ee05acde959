"""A destination of the local stack where no PostgreSQL runs: it says what it is, asks for a user, and sends back what it is sent.

    python -m pulumi_airlock.environments.local.echo PORT NAME [KEY_FILE]

With a key file the first line has to be `LOGIN <user> <password>`, as `lending` lends them.
"""

import socketserver
import sys
import time
from pathlib import Path

from .lending import holds


def main() -> None:
    """Serves until it is stopped."""
    port, name = int(sys.argv[1]), sys.argv[2]
    key = Path(sys.argv[3]).read_text() if len(sys.argv) > 3 else None
    greeting = f"{name}: a small echo server of Airlock's local stack, no database\n".encode()

    class Echo(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(greeting)
            if key is not None and not self._signed_in(key):
                self.wfile.write(b"refused: write LOGIN <user> <password>\n")
                return
            for line in self.rfile:
                self.wfile.write(line)

        def _signed_in(self, key: str) -> bool:
            match self.rfile.readline(1024).decode(errors="replace").split():
                case ["LOGIN", user, password]:
                    return holds(key, user, password, time.time())
            return False

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server(("127.0.0.1", port), Echo) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
