"""`verify serve`: its contracts, its limits, and how it ends."""

import base64
import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from serve_driver import JSON, Running, running, send, toy

from grpo_bridge.serve.command import serve
from grpo_bridge.serve.impute import MAX_REFUSALS, Imputer
from grpo_bridge.serve.settings import Settings, is_loopback
from verifiers.errors import UsageError

TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running("-t", "math", "--max-batch", "64") as found:
        yield found


def rows(count: int = 2) -> list[dict[str, object]]:
    return [{"completion": f"so \\boxed{{{i}}}", "reference": "1", "prompt": "p"} for i in range(count)]


def test_score_when_samples_then_verdicts_in_order(server: Running):
    reply = send(server.port, "/v1/score", {"samples": rows(3)})
    assert reply.status == 200
    assert reply.body["rewards"] == [0.0, 1.0, 0.0]
    assert [verdict["status"] for verdict in reply.body["verdicts"]] == ["incorrect", "correct", "incorrect"]
    assert reply.body["teachers"] == ["math"] * 3


def test_score_when_lists_then_the_reference_is_found_by_its_usual_names(server: Running):
    lists = {"prompts": ["p", "p"], "completions": ["4", "5"], "columns": {"solution": ["4", "4"]}}
    assert send(server.port, "/v1/score", lists).body["rewards"] == [1.0, 0.0]


def test_score_when_no_details_are_wanted_then_only_rewards(server: Running):
    assert send(server.port, "/v1/score", {"samples": rows(1), "details": False}).body == {"rewards": [0.0]}


def test_score_when_there_is_no_reference_then_null_and_never_zero(server: Running):
    reply = send(server.port, "/v1/score", {"samples": [{"completion": "4"}]})
    assert reply.body["rewards"] == [None]
    assert reply.body["verdicts"][0]["status"] == "bad_reference"


def test_score_when_half_a_surrogate_pair_then_judged(server: Running):
    body = b'{"samples": [{"completion": "\\ud83d so \\\\boxed{1}", "reference": "1"}]}'
    assert send(server.port, "/v1/score", body).body["rewards"] == [1.0]


def test_openrlhf_when_queries_hold_prompts_then_only_completions_are_judged(server: Running):
    body = {"query": ["<s>2+2=\\boxed{9}? \\boxed{4}</s>", "2+2=\\boxed{9}?"], "prompts": ["2+2=\\boxed{9}?"] * 2}
    reply = send(server.port, "/openrlhf", {**body, "labels": ["4", "9"]})
    assert reply.body["rewards"] == reply.body["scores"] == [1.0, 0.0]
    assert reply.body["extra_logs"] == {"judged": [1.0, 1.0]}


def test_openrlhf_when_one_is_not_judged_then_its_groups_mean(server: Running):
    body = {"query": ["q1", "q1", "q2"], "prompts": ["q", "q", "q"], "labels": ["1", "2", None]}
    reply = send(server.port, "/get_reward", body)
    assert reply.body["rewards"] == [1.0, 0.0, 0.5]
    assert reply.body["extra_logs"] == {"judged": [1.0, 1.0, 0.0]}


def test_slime_when_posted_then_a_bare_number(server: Running):
    assert send(server.port, "/slime", {"prompt": "p", "response": "4", "label": "4"}).body == 1.0


def test_slime_when_the_group_was_judged_before_then_its_mean(server: Running):
    for response in ("4", "5"):
        send(server.port, "/slime", {"prompt": "a group", "response": response, "label": "4"})
    assert send(server.port, "/slime", {"prompt": "a group", "response": "6", "label": None}).body == 0.5


def test_slime_when_nothing_was_judged_yet_then_refused_with_the_reason():
    with running("-t", "math") as fresh:
        for _ in range(MAX_REFUSALS + 2):
            reply = send(fresh.port, "/slime", {"prompt": "p", "response": "6", "label": None})
            assert reply.status == 503
            assert reply.headers["retry-after"] == "1"
            assert "no reference" in reply.body["error"]


def test_imputer_when_a_whole_group_fails_then_refused_and_then_one_stand_in_for_all():
    imputer = Imputer()
    assert imputer.fill([1.0, 0.5], ["a", "a"], ["a1", "a2"]) == [1.0, 0.5]
    for sample in ("b1", "b2"):
        for _ in range(MAX_REFUSALS):
            assert imputer.fill([None], ["b"], [sample]) is None
    assert imputer.fill([None, None], ["b", "b"], ["b1", "b2"]) == [pytest.approx(0.75, abs=1e-3)] * 2
    assert imputer.fill([1.0, None], ["b", "b"], ["b3", "b1"]) == [1.0, 1.0]


def test_openapi_when_asked_then_every_contract_is_described(server: Running):
    described = send(server.port, "/openapi.json").body
    assert {"/v1/score", "/openrlhf", "/slime", "/health", "/metrics"} <= described["paths"].keys()
    names = set(described["components"]["schemas"])
    body = described["paths"]["/v1/score"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["$ref"].rsplit("/", 1)[1] in names
    referred = {ref.split('"')[0] for ref in json.dumps(described).split("#/components/schemas/")[1:]}
    assert referred <= names


def test_metrics_when_asked_then_requests_and_statuses_are_counted():
    with running("-t", "math") as fresh:
        send(fresh.port, "/v1/score", {"samples": [*rows(2), {"completion": "4"}]})
        send(fresh.port, "/v1/score", b"{")
        text = send(fresh.port, "/metrics").body.decode()
    assert 'verify_requests_total{path="/v1/score",status="200"} 1' in text
    assert 'verify_requests_total{path="/v1/score",status="400"} 1' in text
    assert 'verify_completions_total{teacher="math",status="bad_reference"} 1' in text
    assert "verify_request_seconds_count 2" in text
    assert "verify_requests 0" in text
    assert "verify_held_bytes 0" in text


@pytest.mark.parametrize(
    ("path", "body", "headers", "status", "says"),
    [
        ("/v1/score", b"{", JSON, 400, "truncated"),
        ("/v1/score", b"\xff\xfe", JSON, 400, "body"),
        ("/v1/score", b"null", JSON, 400, "Expected `object`"),
        ("/v1/score", {}, JSON, 400, "completions"),
        ("/v1/score", {"samples": [{"completion": 7}]}, JSON, 400, "$.samples[0].completion"),
        ("/v1/score", {"completions": ["a"], "prompts": []}, JSON, 200, ""),
        ("/v1/score", {"completions": ["a"], "columns": {"answer": []}}, JSON, 400, "0 entries for 1"),
        ("/v1/score", {"samples": []}, JSON, 200, ""),
        ("/v1/score", b'{"samples":' + b"[" * 100_000, JSON, 400, ""),
        ("/v1/score", b'{"samples": [{"completion": "a", "reference": NaN}]}', JSON, 400, "invalid"),
        ("/v1/score", {"samples": rows(65)}, JSON, 413, "64 are allowed"),
        ("/v1/score", {"samples": rows(1)}, {"Content-Type": "text/plain"}, 415, "application/json"),
        ("/v1/score", {"samples": rows(1)}, {}, 415, "unnamed"),
        ("/v1/score", {"samples": rows(1)}, {**JSON, "Content-Encoding": "gzip"}, 415, "Content-Encoding"),
        ("/v1/score", {"samples": rows(1)}, {**JSON, "Host": "evil.example"}, 403, "localhost"),
        ("/openrlhf", {"query": ["a"], "prompts": ["a", "b"]}, JSON, 400, "1 queries, 2 prompts"),
        ("/slime", {"prompt": "p"}, JSON, 400, "response"),
        ("/nothing", {}, JSON, 404, ""),
    ],
)
def test_request_when_it_is_wrong_then_the_answer_says_how(server, path, body, headers, status, says):
    reply = send(server.port, path, body, headers)
    assert reply.status == status
    assert says in json.dumps(reply.body)


def test_token_when_set_then_nothing_but_health_without_it(tmp_path: Path):
    (tmp_path / "token").write_text(TOKEN + "\n")
    basic = base64.b64encode(f"me:{TOKEN}".encode()).decode()
    with running("-t", "math", "--token-file", str(tmp_path / "token")) as guarded:
        for path in ("/v1/info", "/metrics", "/openapi.json"):
            assert send(guarded.port, path).status == 401
        for shown in ("", "Bearer", "Bearer x", f"Bearer {TOKEN}x", "Basic ???", "Basic eDp5", f"Digest {TOKEN}"):
            reply = send(guarded.port, "/v1/score", {"samples": rows(1)}, {**JSON, "Authorization": shown})
            assert reply.status == 401
            assert reply.headers["www-authenticate"] == "Bearer"
        body = {"prompt": "p", "response": "4", "label": "4"}
        for shown in (f"Bearer {TOKEN}", f"Basic {basic}"):
            assert send(guarded.port, "/slime", body, {**JSON, "Authorization": shown}).body == 1.0
        assert send(guarded.port, "/health").status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "scorers", ""])
def test_settings_when_public_without_a_token_then_refused(host: str):
    with pytest.raises(UsageError, match="token"):
        Settings(host=host)
    assert Settings(host=host, token=TOKEN).host == host
    assert not is_loopback(host)


@pytest.mark.parametrize("token", ["short", "with spaces in the middle", "unicode-\u00e9-and-so-on-and-on"])
def test_settings_when_the_token_is_weak_then_refused(token: str):
    with pytest.raises(UsageError, match="at least 16"):
        Settings(token=token)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-t", "math", "--host", "0.0.0.0"], "token"),
        (["-t", "math", "--token-file", "no-such-file"], "cannot be read"),
        (["-t", "math", "--route", "a=math"], "--route names the teachers"),
        (["--route", "math"], "VALUE=TASK"),
        (["-t", "math", "--route-by", "task"], "--route-by"),
        ([], "Name the teacher"),
    ],
)
def test_serve_when_options_do_not_fit_then_says_why(arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("VERIFY_TOKEN", raising=False)
    done = CliRunner().invoke(serve, [*arguments, "--port", "0"])
    assert done.exit_code != 0
    assert says in str(done.exception)


def test_serve_when_routes_then_each_sample_goes_to_its_teacher():
    with running("--route", "sums=math", "--route", "*=choice", "--route-by", "kind") as routed:
        samples = [
            {"completion": "\\boxed{4}", "reference": "4", "meta": {"kind": "sums"}},
            {"completion": "The answer is (B)", "reference": "B", "meta": {"kind": "quiz"}},
        ]
        assert send(routed.port, "/v1/score", {"samples": samples}).body["teachers"] == ["math", "choice"]


def test_serve_when_the_port_is_taken_then_says_so(server: Running):
    with pytest.raises(AssertionError, match="cannot listen"), running("-t", "math", "--port", str(server.port)):
        pass


def test_drain_when_told_to_stop_then_what_is_judged_ends_and_the_exit_is_clean():
    with running("-t", toy("Does"), "--set", "worker=true", "--deadline", "2") as server:
        found: list[object] = []
        body = {"samples": [{"completion": "hang", "reference": "x"}]}
        asking = threading.Thread(target=lambda: found.append(send(server.port, "/v1/score", body)))
        asking.start()
        while b"verify_requests 1" not in send(server.port, "/metrics").body:
            time.sleep(0.02)
        server.process.send_signal(signal.SIGTERM)
        asking.join(30)
        assert server.process.wait(30) == 0
    assert found[0].body["verdicts"][0]["status"] == "deadline_exceeded"
