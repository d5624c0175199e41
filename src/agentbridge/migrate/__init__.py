"""Move a workload from one vendor to another: capture, plan, replay, compare, cut over. Names are looked up late."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .batching import batch as batch
    from .beside import ShadowStats as ShadowStats
    from .capture import Capture as Capture
    from .comparing import (
        Comparison as Comparison,
        Difference as Difference,
        compare as compare,
        difference as difference,
    )
    from .credits import CreditDay as CreditDay, Spent as Spent, reconcile_credits as reconcile_credits
    from .drafting import draft as draft
    from .gate import Gate as Gate
    from .importers import (
        Imported as Imported,
        Skipped as Skipped,
        from_cassettes as from_cassettes,
        from_csv as from_csv,
        from_curl as from_curl,
        from_har as from_har,
    )
    from .ledger import Counts as Counts, Ledger as Ledger, Turn as Turn
    from .live_gate import LiveGate as LiveGate
    from .parquet import (
        export_parquet as export_parquet,
        read_parquet as read_parquet,
        write_parquet as write_parquet,
    )
    from .planning import (
        FieldPlan as FieldPlan,
        MissingValue as MissingValue,
        MovePlan as MovePlan,
        plan as plan,
        requests as requests,
    )
    from .ray_engine import replay_on_ray as replay_on_ray
    from .replaying import Summary as Summary, replay as replay
    from .report import (
        Report as Report,
        as_html as as_html,
        as_json as as_json,
        as_junit as as_junit,
        as_markdown as as_markdown,
    )
    from .router import AsyncRouter as AsyncRouter, Router as Router
    from .routing import RouterState as RouterState
    from .ruling import Ruling as Ruling, Verdict as Verdict, decide as decide
    from .samples import (
        Answer as Answer,
        Pair as Pair,
        Sample as Sample,
        read_samples as read_samples,
        write_samples as write_samples,
    )
    from .scrubbing import EMAILS as EMAILS, PHONES as PHONES
    from .sessions import TREATMENTS as TREATMENTS, Treatment as Treatment
    from .shadow import AsyncShadow as AsyncShadow, Shadow as Shadow
    from .spending import Budget as Budget
else:
    from .._lazy import exported

    _MODULES = {
        "batching": "batch",
        "capture": "Capture",
        "drafting": "draft",
        "importers": "Imported Skipped from_cassettes from_csv from_curl from_har",
        "comparing": "Comparison Difference compare difference",
        "gate": "Gate",
        "ruling": "Ruling Verdict decide",
        "report": "Report as_html as_json as_junit as_markdown",
        "ledger": "Counts Ledger Turn",
        "planning": "FieldPlan MissingValue MovePlan plan requests",
        "live_gate": "LiveGate",
        "credits": "CreditDay Spent reconcile_credits",
        "parquet": "export_parquet read_parquet write_parquet",
        "ray_engine": "replay_on_ray",
        "replaying": "Summary replay",
        "router": "AsyncRouter Router",
        "routing": "RouterState",
        "samples": "Answer Pair Sample read_samples write_samples",
        "scrubbing": "EMAILS PHONES",
        "sessions": "TREATMENTS Treatment",
        "shadow": "AsyncShadow Shadow",
        "spending": "Budget",
        "beside": "ShadowStats",
    }
    __all__, __getattr__, __dir__ = exported(__name__, _MODULES)
