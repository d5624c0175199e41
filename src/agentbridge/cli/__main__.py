"""`python -m agentbridge.cli`: the command line."""

from . import main

main()
