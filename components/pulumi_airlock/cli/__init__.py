"""The `airlock` command: one module per subcommand, each with an `app`-level function; this module puts them together.

Exit status: 0 all well; 1 the program, a file or the command is wrong; 2 a mandatory policy is violated; 3 the proof or an expectation
fails.
"""
