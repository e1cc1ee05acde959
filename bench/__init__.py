"""How long things take, all measured in one run so that ratios mean something on any machine. No test depends on it."""
