"""What agentbridge costs, against plain httpx on the same machine in the same minute: `python -m benchmarks`."""
