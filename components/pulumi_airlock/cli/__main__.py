"""`python -m pulumi_airlock.cli`: the command, where the script is not on PATH."""

from . import main

if __name__ == "__main__":
    main()
