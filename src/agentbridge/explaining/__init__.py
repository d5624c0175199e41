"""What agentbridge makes of an answer, and why, step by step."""

from .explanation import Explanation, explain

__all__ = ["Explanation", "explain"]
