"""What the way through forwarder and proxy costs a task, beside a direct connection: in one run, on this machine's loopback.

parts.py        starts the destination and a real Envoy, compiled as the gate compiles it
destination.py  the destination, a process of its own
task.py         the task's process: the forwarder in a thread, and the client in its main thread
client.py       a client in a process of its own, as `psql` started by a task
decisions.py    the proxy's decisions a second, while what it goes by is replaced
"""
