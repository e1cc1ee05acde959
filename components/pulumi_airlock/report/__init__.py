"""What people see of plans and proofs: terminal, later HTML and SVG."""
