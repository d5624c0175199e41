"""`python -m agentbridge`: the command line."""

from .cli import main

main()
