"""`make fuzz`: each target under atheris, guided by coverage, for so many seconds. What breaks one is kept in the corpus.

Usage: python tests/fuzz/run.py SECONDS [TARGET ...]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_ONE = """
import sys, atheris
sys.path.insert(0, {root!r})
with atheris.instrument_imports(include=["agentbridge", "agentbridge_flowgent", "agentbridge_flowise",
                                         "agentbridge_fluxprompt", "agentbridge_promptitude"]):
    from tests.fuzz.targets import TARGETS
atheris.Setup(sys.argv, TARGETS[{name!r}])
atheris.Fuzz()
"""


def names() -> list[str]:
    """The targets, by the folders of their corpora, so that nothing is imported here that shall be instrumented."""
    return sorted(path.name for path in (HERE / "corpus").iterdir())


def fuzz(name: str, seconds: int) -> bool:
    """One target in a process of its own; False where it broke."""
    with tempfile.TemporaryDirectory() as found:
        command = [sys.executable, "-c", _ONE.format(root=str(ROOT), name=name), found, str(HERE / "corpus" / name)]
        limits = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=65536"]
        prefix = f"-artifact_prefix={HERE / 'corpus' / name}/"
        ended = subprocess.run([*command, *limits, prefix], capture_output=True, text=True, cwd=ROOT, check=False)
    sys.stdout.write(f"{name:22} {'ok' if ended.returncode == 0 else 'BROKEN'}  {_summary(ended.stderr)}\n")
    if ended.returncode:
        sys.stdout.write(ended.stdout[-2000:] + ended.stderr[-4000:])
    return ended.returncode == 0


def _summary(log: str) -> str:
    return next((line for line in reversed(log.splitlines()) if line.startswith(("Done", "SUMMARY"))), "")


def main(arguments: list[str]) -> bool:
    """All targets are run, also after one broke."""
    return all([fuzz(name, int(arguments[0])) for name in arguments[1:] or names()])  # noqa: C419 (see above)


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:]))
