"""HAProxy as the engine of a TCP proxy: it carries TCP after mutual TLS, and tells tasks apart by their certificates.

What it cannot do, tokens, windows, lengths of sessions, is refused when a proxy is compiled (`compile_proxy(engine="haproxy")`).
"""
