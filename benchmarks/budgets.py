"""The budgets of docs/performance.md, each with how it is measured."""

from __future__ import annotations

from dataclasses import dataclass

from .processes import OURS, RAW, Cold, Slices, Subject
from .statistics import How


@dataclass(frozen=True)
class Row:
    """One budget: `subject` against `baseline`, `slices` times in each round.

    `figure` is what is taken from a sample, `per` divides it; `needs` names what the library must be able to do.
    """

    key: str
    what: str
    limit: float
    unit: str
    how: How
    subject: Subject
    baseline: Subject | None = None
    figure: str = "cpu"
    slices: int = 4
    per: float = 1
    needs: str = "httpx"

    @property
    def higher_is_better(self) -> bool:
        """Throughput is the one figure that may be high."""
        return self.how == "speed"

    @property
    def budget(self) -> str:
        """The budget in words."""
        return f"at {'least' if self.higher_is_better else 'most'} {self.limit:g} {self.unit}"


X_RAW = "x raw"
X = "x"


def ours(work: str, **options: object) -> Slices:
    """Our side of a comparison."""
    return Slices(OURS, f"ours.{work}", options)


def raw(work: str, **options: object) -> Slices:
    """The side of httpx."""
    return Slices(RAW, f"raw.{work}", options)


def part(work: str, *, vendor: bool = False, **options: object) -> Slices:
    """Work of our side that is not in `benchmarks.work.ours`, mostly without a vendor."""
    return Slices(OURS, work, options, needs_vendor=vendor)


TRANSPORTS = ("httpx", "httpx2", "aiohttp")
_SYNC = {"count": 50}
_MEMORY = {"count": 100}
_ONE = {"count": 40, "in_flight": 1}
_MANY = {"count": 96, "in_flight": 32}
_CROWD = {"count": 256, "in_flight": 256}
_TOKENS = {"tokens": 3000}

_RSS = "print(int(open('/proc/self/status').read().partition('VmRSS:')[2].split()[0]) / 1024)"
_RAW_FIRST = (
    "import httpx\n"
    "client = httpx.Client(headers={'Authorization': 'Bearer canary-of-the-bench'})\n"
    "answer = client.post('{base}/api/v1/prediction/hello', json={'question': 'What is the capital of France?'})\n"
    "answer.raise_for_status()\n"
    f"assert answer.json()['text'].startswith('Hello!')\n{_RSS}"
)
_OUR_FIRST = (
    "from agentbridge import Bridge, Connection\n"
    "account = Connection(provider='flowise', base_url='{base}', api_key='canary-of-the-bench')\n"
    "bridge = Bridge(config={}, connections={'flowise': account})\n"
    "answer = bridge.invoke('flowise:hello', 'What is the capital of France?')\n"
    f"assert answer.text.startswith('Hello!')\n{_RSS}"
)
_STRANGERS = (
    "import sys, agentbridge\n"
    "late = ('httpx', 'httpx2', 'httpcore', 'aiohttp', 'socket', 'ssl', 'pydantic', 'pluggy')\n"
    "print(sum(name in late or name.startswith('agentbridge_') for name in sys.modules))"
)


def _asynchronous() -> list[Row]:
    """On each transport: alone, side by side, and in a crowd."""
    one = {"httpx": 0.80, "httpx2": 0.60}
    many = {"httpx": 4.0, "httpx2": 6.0, "aiohttp": 10.0}
    alone = [
        Row(f"async_one_{name}", f"async call, one at a time, {name}", limit, X_RAW, "ratio",
            ours("async_calls", transport=name, **_ONE), raw("async_calls", **_ONE), needs=name)
        for name, limit in one.items()
    ]  # fmt: skip
    side_by_side = [
        Row(f"async_32_{name}", f"async, 32 in flight, calls per CPU second, {name}", limit, X_RAW, "speed",
            ours("async_calls", transport=name, **_MANY), raw("async_calls", **_MANY), needs=name)
        for name, limit in many.items()
    ]  # fmt: skip
    crowd = [
        Row(f"flatness_{name}", f"CPU per call at 256 in flight over 32, {name}", 1.15, X, "ratio",
            ours("async_calls", transport=name, **_CROWD), ours("async_calls", transport=name, **_MANY),
            slices=2, needs=name)
        for name in TRANSPORTS
    ]  # fmt: skip
    return alone + side_by_side + crowd


ROWS = (
    Row("sync_call", "sync call, CPU", 0.85, X_RAW, "ratio", ours("sync_calls", **_SYNC), raw("sync_calls", **_SYNC)),
    Row("adapter", "the adapter alone: from memory, ours less raw", -20, "us", "less",
        ours("from_memory", **_MEMORY), raw("from_memory", **_MEMORY)),
    *_asynchronous(),
    Row("import", "`import agentbridge`, CPU", 0.45, "x `import httpx`", "ratio",
        Cold(OURS, "import agentbridge"), Cold(RAW, "import httpx"), "above"),
    Row("import_lazy", "HTTP libraries, plugins and dependencies that it loads", 0, "modules", "alone",
        Cold(OURS, _STRANGERS), figure="printed", slices=1),
    Row("first_call", "import, first Bridge and first call, CPU", 2.0, X_RAW, "ratio",
        Cold(OURS, _OUR_FIRST), Cold(RAW, _RAW_FIRST)),
    Row("memory", "memory after import and first call", 1.4, X_RAW, "ratio",
        Cold(OURS, _OUR_FIRST), Cold(RAW, _RAW_FIRST), "printed"),
    Row("further_bridge", "a further Bridge in the process, with its client", 0.3, "ms", "less",
        ours("further_bridge", count=20), ours("same_bridge", count=20), per=1000),
    Row("stream", "stream of typed events, CPU per token", 0.95, "x raw `iter_lines` + `json.loads`", "ratio",
        ours("sync_stream", **_TOKENS), raw("sync_stream", **_TOKENS)),
    Row("stream_async", "the same in an event loop", 0.95, "x raw `aiter_lines` + `json.loads`", "ratio",
        ours("async_stream", **_TOKENS), raw("async_stream", **_TOKENS)),
    Row("stream_aiohttp", "the same, aiohttp", 0.35, "x raw `aiter_lines` + `json.loads`", "ratio",
        ours("async_stream", transport="aiohttp", **_TOKENS), raw("async_stream", **_TOKENS), needs="aiohttp"),
    Row("stream_memory", "memory of a stream of 20,000 events", 1, "MB", "alone",
        ours("sync_stream", tokens=20000), figure="peak", slices=1),
    Row("event_delay", "reads made after the one that completes an event", 0, "reads", "alone",
        part("parts.event_delay", tokens=500), figure="late", slices=1),
    Row("parser", "the parser of streams alone, CPU per event", 0.8, "us", "alone",
        part("parts.parser", tokens=20000)),
    Row("upload_memory", "memory of a 50 MB file", 2, "MB", "alone",
        part("uploads.sync", vendor=True, megabytes=50), figure="peak", slices=1),
    Row("upload_memory_500", "memory of a 500 MB file", 2, "MB", "alone",
        part("uploads.sync", vendor=True, megabytes=500), figure="peak", slices=1),
    Row("upload", "a 50 MB file, CPU", 0.25, "x raw, read and encoded whole", "ratio",
        part("uploads.sync", vendor=True, megabytes=50), raw("upload", megabytes=50), slices=2),
    *(Row(f"upload_stall_{name}", f"longest turn of the loop meanwhile, {name}", 5, "ms", "alone",
          part("uploads.asynchronous", megabytes=50, vendor=True, transport=name), figure="stall", slices=1, needs=name)
      for name in TRANSPORTS),
    Row("batch_memory", "memory of a batch of 100,000", 2, "MB", "alone",
        part("batches.mapped", count=100_000), part("batches.mapped", count=1000), "peak", slices=1, needs="map"),
    Row("batch_growth", "CPU per item of 100,000 over 1,000", 1.03, X, "ratio",
        part("batches.mapped", count=100_000), part("batches.mapped", count=1000), slices=1, needs="map"),
    Row("batch_own", "what a batch adds to an item", 10, "us", "less",
        part("batches.mapped", count=1000), part("batches.by_hand", count=1000), needs="map"),
    Row("answer", "an answer of 1 MB becomes a Result, CPU", 1.03, "x `json.loads`", "ratio",
        part("parts.answer", count=5), part("parts.json_loads", count=5)),
    Row("requests", "requests beyond calls and retries", 0, "requests", "alone",
        ours("requests_sent", **_MANY), figure="requests", slices=1),
    Row("connections", "connections beyond the window", 0, "connections", "alone",
        ours("requests_sent", **_MANY), figure="connections", slices=1),
    Row("shadow", "what shadow mode adds to the caller's thread, one call in ten sampled", 2, "% of a call", "alone",
        part("shadows.added", vendor=True, count=200, sample=0.1), figure="added"),
    Row("shadow_off", "the same with none sampled", 2, "% of a call", "alone",
        part("shadows.added", vendor=True, count=200, sample=0.0), figure="added"),
)  # fmt: skip
