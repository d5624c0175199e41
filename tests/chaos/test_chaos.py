"""The damages themselves: the same for the same seed, possible for any answer, and real over real connections."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import servers
from hypothesis import given, settings, strategies as st
from memory import ChaosTransport
from outcomes import CALLS, KEY

from agentbridge import Bridge, ConfigurationError, Connection, HttpResponse, RetryPolicy, Timeouts, errors
from agentbridge.emulator import API_KEY
from agentbridge.emulator.chaos import KINDS, SPARED, Chaos, Damage
from agentbridge.emulator.damaging import Hit
from agentbridge.emulator.scripts import End, Wait
from agentbridge.emulator.serving import load_emulators, serve

ONCE = RetryPolicy(attempts=1)
SLOW = {"drip", "drip-head", "silence", "silence-in-body", "informational-only"}
EMULATORS = load_emulators()[0]
CONTENTS = st.one_of(
    st.binary(max_size=50),
    st.sampled_from([b"", b"{}", b'{"text": "hi"}', b'data: {"a": 1}\n\ndata:{"b": 2}\n\n', b"[1]", b"null"]),
)


def test_the_same_seed_does_the_same_to_the_same_requests():
    first, again, other = ([Chaos(seed).damage(number) for number in range(1, 50)] for seed in (7, 7, 8))
    assert first == again != other
    assert len({damage.kind for damage in first}) > 15
    assert 3 <= sum(damage.kind == SPARED for damage in first) <= 25


def test_a_damage_of_a_luck_is_always_the_same():
    meant = HttpResponse(200, {}, b'{"text": "hi"}')
    assert all(Damage(kind, 0.3, 5).script(meant) == Damage(kind, 0.3, 5).script(meant) for kind in KINDS)


def test_chaos_may_be_of_few_kinds():
    assert {Chaos(3, ["reset", "html"]).damage(number).kind for number in range(50)} == {"reset", "html"}


def test_a_kind_that_there_is_not_is_named():
    with pytest.raises(ConfigurationError, match="no damage 'rest'; choose of spared, reset-before-run"):
        Chaos(1, ["rest"])


@settings(max_examples=50, deadline=None)
@given(content=CONTENTS, at=st.floats(0, 1, exclude_max=True), luck=st.integers(0, 2**32))
def test_any_answer_can_be_damaged_in_every_way(content, at, luck):
    for kind in KINDS:
        script = Damage(kind, at, luck).script(HttpResponse(200, {"content-type": "application/json"}, content))
        assert script
        assert isinstance(script[-1], End | Wait) or kind == "extra"
        assert not any(isinstance(act, End) for act in script[:-2])


@pytest.mark.parametrize("kind", [kind for kind in KINDS if Damage(kind).before_run])
def test_what_comes_before_the_run_lets_no_agent_run(kind):
    with serve(chaos=Chaos(1, [kind])) as vendors, Bridge({}, connections=vendors.connections, retry=ONCE) as bridge:
        with pytest.raises(errors.InvocationError):
            bridge.invoke("flowise:ok", "hi")
        assert not vendors.emulators["flowise"].seen


def family(outcome: Any) -> tuple[type, bool]:
    """What matters of an outcome: a connection that is reset may have told more or less before."""
    lost = isinstance(outcome, errors.TransportError) and not isinstance(outcome, errors.DeadlineExceededError)
    return errors.TransportError if lost else type(outcome), getattr(outcome, "may_have_run", True)


def outcome_of(bridge: Bridge, call: Any) -> Any:
    try:
        if not call.streamed:
            return bridge.invoke(call.target, **call.fields("mark"))
        with bridge.stream(call.target, **call.fields("mark")) as stream:
            list(stream)
        return stream.result
    except errors.AgentBridgeError as error:
        return error


@pytest.mark.parametrize("call", CALLS[2:4], ids=["whole", "streamed"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "redirect"])  # which libraries may not read
def test_over_a_connection_it_is_what_it_is_in_memory(kind, call):
    chaos, total = Chaos(20, [kind]), 0.3 if kind in SLOW else 20
    options = {"retry": ONCE, "timeouts": Timeouts(total=total)}
    with serve(chaos=chaos) as vendors:
        url = vendors.connections["flowise"].base_url
        connection = Connection("flowise", url, API_KEY, max_answer=1_000_000)
        with Bridge({}, connections={"flowise": connection}, **options) as bridge:
            real = outcome_of(bridge, call)
    transport = ChaosTransport(EMULATORS["flowise"], chaos)
    connection = Connection("flowise", "http://vendor.invalid", API_KEY, max_answer=1_000_000)
    with Bridge({}, connections={"flowise": connection}, transport=transport, **options) as bridge:
        imagined = outcome_of(bridge, call)
    assert family(real) == family(imagined)


def test_no_redirect_leads_anywhere_and_no_key_leaves(open_bridge):
    hits: list[Hit] = []
    with servers.serving(servers.answer("200 OK", b'{"text": "stolen"}')) as elsewhere:
        chaos = Chaos(4, ["redirect"], elsewhere=f"{elsewhere.url}/login")
        with serve(chaos=chaos, note=hits.append) as vendors:
            bridge = open_bridge(config={}, connections=vendors.connections, retry=ONCE, timeouts=Timeouts(total=20))
            for call in CALLS * 2:
                with pytest.raises(errors.InvocationError) as caught:
                    if call.streamed:
                        bridge.stream(call.target, seen=[], **call.fields("mark"))
                    else:
                        bridge.invoke(call.target, **call.fields("mark"))
                assert KEY not in str(caught.value)
        assert len(hits) == 2 * len(CALLS)
        assert elsewhere.requests == []


def test_a_server_that_is_left_ends_at_once_also_in_the_middle_of_a_silence():
    started = time.monotonic()
    with (
        serve(chaos=Chaos(1, ["silence"])) as vendors,
        Bridge({}, connections=vendors.connections, retry=ONCE) as bridge,
    ):
        with pytest.raises(errors.DeadlineExceededError):
            bridge.invoke("flowise:ok", "hi", timeouts=Timeouts(total=0.1))
    assert time.monotonic() - started < 8
    assert not [thread for thread in threading.enumerate() if thread.name == "agentbridge-chaos"]
