"""Why somebody can, or cannot, reach something; what would turn the answer; who made a connection that a log shows."""
