"""How the proof's cost grows, beside what general engines need for the same question: `python -m bench.proofs`."""
