"""What happens at every class of hosts: all of them at once as bits, or one of them looked at closely; or diagrams."""
