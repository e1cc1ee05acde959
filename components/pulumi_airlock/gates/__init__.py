"""One module per enforcement point, all of one shape: what it sees of a principal, a component that compiles, a `read` that reads back."""
