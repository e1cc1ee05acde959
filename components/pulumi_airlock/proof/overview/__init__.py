"""What is found when asked for: matrix and depth, identity, who checks what, what others stop, dead rules."""
