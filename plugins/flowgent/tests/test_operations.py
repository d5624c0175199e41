"""The other endpoints: what is refused before sending, what is sent, and what the answers mean."""

from __future__ import annotations

import datetime as dt
import json
import pickle

import pytest
from hypothesis import given, strategies as st

from agentbridge import Call, ConfigurationError, Fault, FaultKind, HttpResponse, UnsupportedFeatureError
from agentbridge_flowgent import (
    DailyUsage,
    FlowGent,
    GetUsage,
    ListAgents,
    SendWhatsAppTemplate,
    SentTemplate,
    TemplateBody,
    TemplateHeader,
    TemplateImage,
    UsageReport,
)

BASE = "https://flowgent.ai/api/public"
TODAY = dt.date(2025, 6, 15)
DAY = dt.timedelta(days=1)
CALL = Call(base_url=BASE, api_key="secret-key")


def usage(start=None, end=None, agent="a-1"):
    return GetUsage(agent, start, end, today=TODAY)


def whatsapp(**fields):
    return SendWhatsAppTemplate("a-1", "31612345678", "order_update", "en_US", **fields)


def read(operation, body, status=200):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return operation.read(HttpResponse(status, {"content-type": "application/json"}, content))


def test_the_provider_names_its_operations():
    assert [operation.name for operation in FlowGent.operations] == ["usage", "whatsapp", "agents"]
    assert {operation.provider for operation in FlowGent.operations} == {"flowgent"}


@pytest.mark.parametrize(
    ("start", "end", "query"),
    [
        (None, None, {}),
        ("2025-05-20", None, {"start_date": "2025-05-20"}),
        ("2025-05-20", "2025-05-26", {"start_date": "2025-05-20", "end_date": "2025-05-26"}),
        (dt.date(2025, 5, 20), dt.date(2025, 5, 26), {"start_date": "2025-05-20", "end_date": "2025-05-26"}),
        ("2025-06-14", "2025-06-14", {"start_date": "2025-06-14", "end_date": "2025-06-14"}),
    ],
)
def test_usage_asks_for_the_days_that_were_given(start, end, query):
    request = usage(start, end).build_request(CALL)
    assert (request.method, request.url, request.query) == ("GET", f"{BASE}/agent/a-1/usage", query)
    assert (request.auth, request.idempotent) == ({"Authorization": "secret-key"}, True)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (None, "2025-05-26", "end=2025-05-26 needs a start. Give the first day too"),
        (None, "2025-06-15", "end=2025-06-15 needs a start"),
        ("2025-05-26", "2025-05-20", "start=2025-05-26 is after the end, 2025-05-20. Give that day or an earlier one"),
        ("2025-06-01", "2025-06-15", "end=2025-06-15 must be before today, 2025-06-15 in UTC. Give 2025-06-14 or"),
        ("2025-06-01", "2025-07-01", "end=2025-07-01 must be before today"),
        ("2025-06-15", None, "start=2025-06-15 is after the end, 2025-06-14"),
        ("2025-05-14", "2025-06-14", "from start=2025-05-14 to 2025-06-14 are 32 days, 31 at most. Ask in several"),
        ("2025-05-14", None, "are 32 days"),
        ("26-05-2025", None, "start='26-05-2025' is no date. Give a datetime.date, or a text as YYYY-MM-DD"),
        ("20250526", None, "start='20250526' is no date"),
        ("2025-W22-1", None, "start='2025-W22-1' is no date"),
        ("2025-05-26T00:00", None, "is no date"),
        ("\u0662025-05-26", None, "is no date"),
        ("2025-02-30", None, "start='2025-02-30' is no day of the calendar"),
        ("2025-05-20", "2025-13-01", "end='2025-13-01' is no day of the calendar"),
        (dt.datetime(2025, 5, 20, 12, tzinfo=dt.UTC), None, "is no date. Give a datetime.date"),
        (20250520, None, "start=20250520 is no date"),
    ],
)
def test_dates_that_flowgent_refuses_are_refused_before_sending(start, end, said):
    with pytest.raises(ConfigurationError, match="^GetUsage: ") as caught:
        usage(start, end)
    assert said in str(caught.value)


DATES = st.dates(TODAY - 60 * DAY, TODAY + 5 * DAY)


@given(start=DATES | st.none(), end=DATES | st.none())
def test_any_two_dates_are_refused_or_are_a_period_that_flowgent_takes(start, end):
    yesterday = TODAY - DAY
    last = end or yesterday
    valid = (start is None and end is None) or (start is not None and start <= last <= yesterday)
    valid = valid and (start is None or (last - start).days < 31)
    try:
        made = usage(start, end)
    except ConfigurationError:
        assert not valid
        return
    assert valid
    assert (made.start, made.end) == (start, end)
    assert usage(start and str(start), end and str(end)) == made


@given(text=st.text(max_size=12))
def test_any_text_is_a_date_or_a_clear_error(text):
    try:
        made = usage(text)
    except ConfigurationError:
        return
    assert str(made.start) == text


def test_today_is_the_day_in_utc_and_no_part_of_the_value():
    last_week = dt.datetime.now(dt.UTC).date() - 7 * DAY
    assert GetUsage("a-1", last_week, last_week).end == last_week
    assert GetUsage("a-1", "2025-05-20", "2025-05-26") == usage("2025-05-20", "2025-05-26")
    assert "today" not in repr(usage())


@pytest.mark.parametrize("agent", ["", "  ", None, 7])
def test_an_agent_needs_an_id(agent):
    with pytest.raises(ConfigurationError, match="agent_id=.* says nothing. Give a text"):
        usage(agent=agent)


def test_the_agent_id_is_encoded_and_may_be_a_copied_url():
    assert usage(agent="a/b?c").build_request(CALL).url == f"{BASE}/agent/a%2Fb%3Fc/usage"
    assert usage(agent=f"{BASE}/agent/a-1/chat").build_request(CALL).url == f"{BASE}/agent/a-1/usage"


@pytest.mark.parametrize("operation", [usage(), whatsapp(), ListAgents()])
def test_a_query_in_the_base_url_is_refused(operation):
    with pytest.raises(UnsupportedFeatureError, match="base_url"):
        operation.build_request(Call(base_url=f"{BASE}?x=1"))


DOCUMENTED = {
    "agent_id": "66a72b17-cb03-4397-ab2a-1eef13847737",
    "time_range": {"start": "2025-05-20T00:00:00.000Z", "end": "2025-05-26T23:59:59.999Z"},
    "usage": {
        "total_credits_used": 3,
        "daily_breakdown": [{"date": "2025-05-26", "credits_used": 1}, {"date": "2025-05-24", "credits_used": 2}],
    },
    "note": "Endpoint active from 28 May 2025 onwards",
}


def test_the_documented_usage():
    report = read(usage(), DOCUMENTED)
    assert report == UsageReport(
        agent_id="66a72b17-cb03-4397-ab2a-1eef13847737",
        total_credits=3.0,
        start=dt.date(2025, 5, 20),
        end=dt.date(2025, 5, 26),
        daily=(DailyUsage(dt.date(2025, 5, 26), 1.0), DailyUsage(dt.date(2025, 5, 24), 2.0)),
        note="Endpoint active from 28 May 2025 onwards",
    )
    assert isinstance(report.total_credits, float)
    assert pickle.loads(pickle.dumps(report)) == report


def test_days_are_newest_first_whatever_comes():
    breakdown = [{"date": f"2025-05-2{day}", "credits_used": day} for day in (1, 3, 2)]
    report = read(usage(), {"usage": {"total_credits_used": 6, "daily_breakdown": breakdown}})
    assert [day.credits for day in report.daily] == [3.0, 2.0, 1.0]


def test_only_the_total_must_be_there():
    report = read(usage(agent=f"{BASE}/agent/a-1/chat"), {"usage": {"total_credits_used": 0.5}})
    assert report == UsageReport(agent_id="a-1", total_credits=0.5)


def test_what_is_unreadable_is_left_out_with_a_warning():
    used = {"total_credits_used": 1, "daily_breakdown": [{"date": "soon", "credits_used": 1}, "x"]}
    report = read(usage(), {"usage": used, "time_range": {"start": "x"}, "note": ["x"]})
    assert (report.daily, report.start, report.note) == ((), None, None)
    assert len(report.warnings) == 4


PROVES_NOTHING = [{}, [], None, 7, "x", b"", b"<html>", {"usage": {}}, {"usage": None}, {"agent_id": "a-1"}]


@pytest.mark.parametrize("body", [*PROVES_NOTHING, {"usage": {"total_credits_used": None}}, {"messages": []}])
def test_usage_without_its_total_is_no_answer(body):
    with pytest.raises(ValueError):
        read(usage(), body)


@pytest.mark.parametrize("body", [*PROVES_NOTHING, {"messages": []}, {"messages": [{}]}, {"messages": [{"id": ""}]}])
def test_a_message_without_its_id_is_no_answer(body):
    with pytest.raises(ValueError):
        read(whatsapp(), body)


HEADER = {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://whatsapp_image_template"}}]}
BODY = {"type": "body", "parameters": [{"type": "text", "text": "ABC123"}, {"type": "text", "text": "Shipped"}]}
BUTTON = {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "x"}]}


def test_the_documented_whatsapp_request():
    header = TemplateHeader([TemplateImage("https://whatsapp_image_template")])
    operation = whatsapp(customer_name="John Doe", parameters=[header, TemplateBody(["ABC123", "Shipped"])])
    request = operation.build_request(CALL)
    assert (request.method, request.url) == ("POST", f"{BASE}/agent/a-1/waba")
    assert request.json == {
        "recipient_phone_number": "31612345678",
        "template_name": "order_update",
        "language": "en_US",
        "customer_name": "John Doe",
        "parameters": [HEADER, BODY],
    }
    assert not request.idempotent
    assert not SendWhatsAppTemplate.idempotent


def test_what_is_not_said_is_not_sent():
    assert set(whatsapp().build_request(CALL).json) == {"recipient_phone_number", "template_name", "language"}


def test_what_is_not_modelled_passes_as_it_is():
    currency = {"type": "currency", "currency": {"fallback_value": "$1", "code": "USD", "amount_1000": 1000}}
    sent = whatsapp(parameters=[BUTTON, TemplateBody([currency])]).build_request(CALL).json
    assert sent["parameters"] == [BUTTON, {"type": "body", "parameters": [currency]}]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SendWhatsAppTemplate("a-1", "", "t", "en"), "recipient='' says nothing"),
        (lambda: SendWhatsAppTemplate("a-1", 31612345678, "t", "en"), "recipient=31612345678 says nothing"),
        (lambda: SendWhatsAppTemplate("a-1", "1", " ", "en"), "template=' ' says nothing"),
        (lambda: SendWhatsAppTemplate("a-1", "1", "t", None), "language=None says nothing"),
        (lambda: whatsapp(customer_name=""), "customer_name='' says nothing"),
        (lambda: whatsapp(parameters=BUTTON), "is one parameter. Give a list"),
        (lambda: whatsapp(parameters=["ABC123"]), "'ABC123' is no part of a template"),
        (lambda: TemplateBody("ABC123"), "'ABC123' is one parameter. Give a list"),
        (lambda: TemplateBody([7]), "7 is no parameter. Give a text, a TemplateImage or an object"),
        (lambda: TemplateImage(""), "link='' says nothing"),
    ],
)
def test_a_wrong_value_is_refused_when_the_operation_is_made(make, said):
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert said in str(caught.value)


SENT = {
    "messaging_product": "whatsapp",
    "contacts": [{"input": "PHONE_NUMBER", "wa_id": "WHATSAPP_ID"}],
    "messages": [{"id": "wamid.ID"}],
}


def test_the_documented_whatsapp_answer():
    assert read(whatsapp(), SENT) == SentTemplate("wamid.ID", "WHATSAPP_ID")
    assert read(whatsapp(), {"messages": [{"id": "wamid.ID"}]}) == SentTemplate("wamid.ID")
    assert read(whatsapp(), {**SENT, "contacts": "x"}).warnings == (
        "contacts of the answer is unreadable and left out",
    )


@pytest.mark.parametrize("answer", [[], [{"id": "a-1"}], {"agents": []}])
def test_whatever_the_list_of_agents_is_is_handed_on(answer):
    assert read(ListAgents(), answer) == answer


@pytest.mark.parametrize("body", [{}, None, 7, "x", b"", b"<html>"])
def test_what_is_neither_a_list_nor_an_object_is_no_list_of_agents(body):
    with pytest.raises(ValueError):
        read(ListAgents(), body)


ERRORS = [
    ({"error": "API key is required", "message": "x"}, 401, FaultKind.AUTHENTICATION),
    ({"error": "Access denied", "message": "x"}, 403, FaultKind.PERMISSION),
    ({"error": "agent_id is required and must be a non-empty string"}, 400, FaultKind.INVALID_REQUEST),
    ({"error": "Invalid date range", "message": "x"}, 400, FaultKind.INVALID_REQUEST),
    ({"error": "Missing required fields", "message": "x"}, 400, FaultKind.INVALID_REQUEST),
    ({"error": "WhatsApp connection not found", "message": "x"}, 404, FaultKind.NOT_FOUND),
    ({"error": "Internal server error"}, 500, FaultKind.UNKNOWN),
]


@pytest.mark.parametrize("operation", [usage(), whatsapp(), ListAgents()])
@pytest.mark.parametrize(("body", "status", "kind"), ERRORS)
def test_documented_errors_mean_the_same_by_status_and_in_a_200(operation, body, status, kind):
    for http in (status, 200):
        fault = read(operation, body, http)
        assert isinstance(fault, Fault)
        assert (fault.kind, fault.partial) == (kind, None)
    assert read(operation, {"statusCode": 402, "body": {"error": "x"}}).kind is FaultKind.QUOTA_EXCEEDED
    assert read(operation, {"error": "Invalid API key, sorry"}).kind is FaultKind.EXECUTION


SCALARS = st.none() | st.booleans() | st.integers(-10, 700) | st.floats() | st.text(max_size=5)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
DAYS = JSON | st.lists(st.fixed_dictionaries({}, optional={"date": JSON | st.just("2025-05-20"), "credits_used": JSON}))
USED = JSON | st.fixed_dictionaries({}, optional={"total_credits_used": JSON, "daily_breakdown": DAYS})
MESSAGES = JSON | st.lists(st.fixed_dictionaries({}, optional={"id": JSON}), max_size=2)
BODIES = JSON | st.fixed_dictionaries(
    {},
    optional={"usage": USED, "time_range": JSON, "note": JSON, "messages": MESSAGES, "contacts": JSON, "error": JSON},
)


@given(body=BODIES)
def test_whatever_comes_is_an_answer_with_its_proof_or_no_answer(body):
    for operation in (usage(), whatsapp()):
        try:
            value = read(operation, body)
        except ValueError:
            continue  # guarded by the core: a MalformedResponseError
        if isinstance(value, Fault):
            assert body["error"]
        elif isinstance(value, UsageReport):
            assert value.total_credits == float(body["usage"]["total_credits_used"])
        else:
            assert value.id == str(body["messages"][0]["id"])


def test_a_success_beside_an_error_is_none():
    assert isinstance(read(whatsapp(), {**SENT, "error": "x"}), Fault)
    with pytest.raises(ValueError):  # the core makes it the error of its status
        read(usage(), DOCUMENTED, 500)
