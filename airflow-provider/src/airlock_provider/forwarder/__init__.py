"""Carries a task's connections through the proxy, from its own process.

forwarder = Forwarder(run, tokens, TlsFiles(certificate, key, ca), source="sts")
host, port = forwarder.open(Way(destination, proxy, ends=granted.ends))
…
forwarder.close()
"""

from .connect import HTTP
from .forwarder import HOST, Forwarder, close_all
from .model import ProxyEnd, TlsFiles, Token, Tokens, TunnelError, Way

__all__ = ["HOST", "HTTP", "Forwarder", "ProxyEnd", "TlsFiles", "Token", "Tokens", "TunnelError", "Way", "close_all"]
