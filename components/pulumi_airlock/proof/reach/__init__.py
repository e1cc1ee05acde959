"""Everything that somebody can reach, and everybody who can reach something."""
