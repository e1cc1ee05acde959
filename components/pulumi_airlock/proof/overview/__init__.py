"""What fails no proof and needs every class: matrix and depth, identity, who checks what, what is granted and stopped elsewhere, dead rules."""
