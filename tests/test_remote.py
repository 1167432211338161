"""A server's address as a task: the client holds its deadline, asks again, and never turns a failure into 0."""

import json
import math
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Callable

import pytest
from serve_driver import INFO, Running, http_answer, misbehaving, running, toy

from grpo_bridge.errors import RewardError
from grpo_bridge.remote import RemoteEngine
from grpo_bridge.scorer import GroupScorer
from verifiers.errors import UsageError
from verifiers.types import Sample, Status

OVERRUN_S = 0.25
TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def server():
    with running("-t", toy("Does"), "--set", "worker=true", "--deadline", "1", VERIFY_TOKEN=TOKEN) as found:
        yield found


def scorer(server: Running, **settings: object) -> GroupScorer:
    return GroupScorer(server.url, options={"token": TOKEN}, **settings)


def samples(*completions: str, reference: object = "x") -> list[Sample]:
    return [Sample(completion, "p", reference) for completion in completions]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def counted_zero(found) -> bool:
    return any(each.reward == 0 and not each.valid for each in found)


def test_score_when_the_server_judges_then_what_it_would_be_here(server: Running):
    wanted = GroupScorer(toy("Does"), options={"worker": True}).score(samples("x", "y", "parts"))
    found = scorer(server).score(samples("x", "y", "parts"))
    assert [(f.reward, f.status, f.reason, f.parts[:0]) for f in found] == [
        (w.reward, w.status, w.reason, w.parts[:0]) for w in wanted
    ]
    assert [part.name for part in found[2].parts] == ["a"]


@pytest.mark.parametrize(
    ("completion", "status"),
    [
        ("hang", Status.DEADLINE_EXCEEDED),
        ("raise", Status.FAILED),
        ("exit", Status.FAILED),
        ("abort", Status.FAILED),
        ("nan", Status.FAILED),
        ("word", Status.FAILED),
        ("extra", Status.UNAVAILABLE),
    ],
)
def test_score_when_the_teacher_breaks_then_none_and_its_neighbours_are_judged(server, completion, status):
    found = scorer(server, max_not_judged=None).score(samples("x", completion, "y"))
    assert [each.reward for each in found] == [1.0, None, 0.0]
    assert found[1].status == status
    assert not counted_zero(found)


def test_score_when_impute_then_the_groups_mean(server: Running):
    found = scorer(server, on_failure="impute", max_not_judged=None).score(samples("x", "raise", "y"))
    assert [each.reward for each in found] == [1.0, 0.5, 0.0]


def test_score_when_more_than_one_request_is_needed_then_order_is_kept(server: Running):
    wanted = [str(n % 7) for n in range(1200)]
    found = scorer(server).score(samples(*wanted, reference="3"))
    assert [each.reward for each in found] == [float(text == "3") for text in wanted]


def test_score_when_half_a_surrogate_pair_then_it_arrives_as_it_was(server: Running):
    assert scorer(server).score(samples("\ud83d", reference="\ud83d"))[0].reward == 1.0


def test_score_when_a_sample_is_no_json_then_only_it_is_not_judged(server: Running):
    found = scorer(server).score([*samples("x"), Sample("x", "p", object()), Sample("x", "p", math.inf)])  # type: ignore[arg-type]
    assert [each.reward for each in found][:2] == [1.0, None]
    assert found[1].status == Status.BAD_ROW


def test_score_batch_when_a_trainers_lists_then_the_reference_is_found(server: Running):
    found = scorer(server).score_batch(["p", "p"], ["x", "y"], {"ground_truth": ["x", "x"], "extra": [1, 2]})
    assert [each.reward for each in found] == [1.0, 0.0]


def test_scorer_when_pickled_or_used_in_threads_then_works(server: Running):
    copy = pickle.loads(pickle.dumps(scorer(server)))
    found: list[float | None] = []
    threads = [threading.Thread(target=lambda: found.append(copy.score(samples("x"))[0].reward)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [1.0] * 12


def test_scorer_when_forked_then_connections_are_not_shared(server: Running):
    mine = scorer(server)
    mine.score(samples("x"))
    child = os.fork()
    if not child:
        os._exit(0 if mine.score(samples("x", "y"))[0].reward == 1.0 else 1)
    assert [each.reward for each in mine.score(samples("y", "x"))] == [0.0, 1.0]
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("token", [None, "another-token-of-some-length"])
def test_score_when_the_token_is_wrong_then_loud(server: Running, token, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("VERIFY_TOKEN", raising=False)
    made = GroupScorer(server.url, options={"token": token} if token else {})
    with pytest.raises(RewardError, match="401"):
        made.score(samples(*["x"] * 16))


def test_score_when_the_token_is_in_the_address_then_taken(server: Running):
    assert GroupScorer(f"http://:{TOKEN}@127.0.0.1:{server.port}").score(samples("x"))[0].reward == 1.0


ODD = ["http://", "http://host:port", "http://host?x=1", "https://h:99999"]
NOT_SENT = ["http://[::1", "http://a..b", "http://h/a b", "http://h/\u00fc", f"http://{'a' * 70}.de"]


@pytest.mark.parametrize("url", [*ODD, *NOT_SENT, f"http://:{TOKEN}@host/?x=1"])
def test_address_when_it_is_none_then_refused_and_its_token_not_shown(url: str):
    with pytest.raises(UsageError, match="address") as refused:
        GroupScorer(url)
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("token", ["two words", "s\u00e4mtlich", "a\nb"])
def test_token_when_it_cannot_be_sent_then_refused_and_not_shown(token: str):
    with pytest.raises(UsageError, match="token") as refused:
        GroupScorer("http://127.0.0.1:1", options={"token": token})
    assert token not in str(refused.value)


def test_token_when_its_variable_ends_with_a_line_feed_then_taken(server: Running, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VERIFY_TOKEN", f"{TOKEN}\n")
    assert GroupScorer(server.url).score(samples("x"))[0].reward == 1.0


@pytest.mark.parametrize("settings", [{"deadline_s": 0}, {"deadline_s": math.inf}, {"options": {"case": "strict"}}])
def test_settings_when_not_allowed_then_refused(settings: dict[str, object]):
    with pytest.raises(UsageError):
        GroupScorer("http://127.0.0.1:1", **settings)  # type: ignore[arg-type]


def test_score_when_nobody_listens_then_asks_until_the_deadline_and_then_once():
    engine = RemoteEngine(f"http://127.0.0.1:{free_port()}", deadline_s=0.6)
    start_s = time.monotonic()
    (verdict,) = engine.score(samples("x"))
    first_s = time.monotonic() - start_s
    assert verdict.status is Status.UNAVAILABLE
    assert "cannot be reached" in verdict.reason
    assert first_s <= 0.6 + OVERRUN_S
    engine.score(samples("x"))
    assert time.monotonic() - start_s - first_s < 0.5


def test_score_when_the_server_comes_back_then_goes_on():
    port = free_port()
    engine = RemoteEngine(f"http://127.0.0.1:{port}", deadline_s=60)
    found: list[object] = []
    asking = threading.Thread(target=lambda: found.extend(engine.score(samples("\\boxed{4}", reference="4"))))
    asking.start()
    with running("-t", "math", "--port", str(port)):
        asking.join(60)
    assert [verdict.reward for verdict in found] == [1.0]


def test_score_when_the_server_is_killed_then_none_and_the_run_lives():
    with running("-t", toy("Does"), "--set", "worker=true", "--deadline", "30") as server:
        made = GroupScorer(server.url, deadline_s=1.5, max_not_judged=None)
        assert made.score(samples("x"))[0].reward == 1.0
        killing = threading.Timer(0.3, server.process.send_signal, [signal.SIGKILL])
        killing.start()
        start_s = time.monotonic()
        found = made.score(samples("hang", "x"))
    assert time.monotonic() - start_s <= 1.5 + OVERRUN_S
    assert [each.reward for each in found] == [None, None]


def info_then(answer: Callable[[socket.socket, bytes], None]) -> Callable[[socket.socket, bytes], None]:
    """Tell of itself as a server does, and answer batches as said."""

    def both(connection: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET"):
            connection.sendall(http_answer(200, INFO))
        else:
            answer(connection, request)

    return both


def drip(connection: socket.socket, request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(400):
        connection.sendall(b" ")
        time.sleep(0.02)


@pytest.mark.parametrize(
    "answer",
    [
        lambda connection, request: time.sleep(8),
        drip,
        lambda connection, request: connection.sendall(http_answer(503, {}, Retry_After="1")),
        lambda connection, request: connection.sendall(http_answer(429, {}, Retry_After="86400")),
        lambda connection, request: connection.shutdown(socket.SHUT_RDWR),
    ],
    ids=["hangs", "drips", "503", "429", "hangs up"],
)
def test_score_when_the_server_does_not_answer_then_none_by_the_deadline(answer):
    with misbehaving(info_then(answer)) as url:
        start_s = time.monotonic()
        found = GroupScorer(url, deadline_s=1.0, max_not_judged=None).score(samples("x", "y"))
        took_s = time.monotonic() - start_s
    assert took_s <= 1.0 + OVERRUN_S
    assert [each.reward for each in found] == [None, None]


def verdicts(*rewards: object, status: str = "correct") -> bytes:
    return json.dumps({"rewards": rewards, "verdicts": [{"reward": r, "status": status} for r in rewards]}).encode()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "cannot be read"),
        (b"<html>", "cannot be read"),
        (b"[]", "cannot be read"),
        (verdicts(1.0), "1 verdicts for 2"),
        (verdicts(1.0, 1.0, 1.0), "3 verdicts for 2"),
        (verdicts(None, None), "cannot be read"),
        (verdicts(1.0, 1.0, status="splendid"), "cannot be read"),
        (verdicts(1.0, 1.0, status="failed"), "cannot be read"),
        (b'{"rewards": [1, 1], "verdicts": [{"reward": 1e999, "status": "correct"}]}', "cannot be read"),
        (verdicts(math.nan, math.inf), "cannot be read"),
        (verdicts("1", "1"), "cannot be read"),
    ],
)
def test_score_when_the_answer_is_wrong_then_none_with_the_reason(body: bytes, says: str):
    with misbehaving(info_then(lambda connection, request: connection.sendall(http_answer(200, body)))) as url:
        found = GroupScorer(url, max_not_judged=None).score(samples("x", "y"))
    assert [each.reward for each in found] == [None, None]
    assert says in found[0].reason


@pytest.mark.parametrize(
    ("status", "asked"), [(400, 1), (401, 1), (403, 1), (404, 1), (413, 1), (415, 1), (500, 3), (502, 3)]
)
def test_score_when_the_server_refuses_then_asks_as_often_as_it_helps(status: int, asked: int):
    count: list[int] = []

    def refuse(connection: socket.socket, request: bytes) -> None:
        count.append(1)
        connection.sendall(http_answer(status, {"error": "no"}))

    with misbehaving(info_then(refuse)) as url:
        (found,) = GroupScorer(url, max_not_judged=None).score(samples("x"))
    assert (found.reward, len(count)) == (None, asked)
    assert str(status) in found.reason


def test_score_when_too_large_together_then_halved():
    sizes: list[int] = []

    def small_only(connection: socket.socket, request: bytes) -> None:
        count = request.count(b'"completion"')
        sizes.append(count)
        connection.sendall(http_answer(413, {}) if count > 1 else http_answer(200, verdicts(1.0)))

    with misbehaving(info_then(small_only)) as url:
        found = GroupScorer(url).score(samples("a", "b", "c"))
    assert [each.reward for each in found] == [1.0] * 3
    assert sorted(sizes) == [1, 1, 1, 2, 3]


def test_score_when_busy_once_then_asks_again_and_only_for_what_is_read():
    requests: list[bytes] = []

    def busy_once(connection: socket.socket, request: bytes) -> None:
        requests.append(request)
        answer = http_answer(429, {}) if len(requests) == 1 else http_answer(200, verdicts(1.0))
        connection.sendall(answer)

    with misbehaving(info_then(busy_once)) as url:
        assert GroupScorer(url).score(samples("a"))[0].reward == 1.0
    assert len(requests) == 2
    assert b'"prompt"' not in requests[1]


def test_score_when_it_is_another_kind_of_server_then_says_so():
    with misbehaving(lambda connection, request: connection.sendall(http_answer(200, b"hello"))) as url:
        (found,) = GroupScorer(url, max_not_judged=None).score(samples("a"))
    assert found.reward is None
    assert "is no `verify serve`" in found.reason


def test_score_when_an_answer_breaks_off_then_asks_again():
    requests: list[bytes] = []

    def break_off_once(connection: socket.socket, request: bytes) -> None:
        requests.append(request)
        answer = http_answer(200, verdicts(1.0))
        connection.sendall(answer[:-5] if len(requests) == 1 else answer)
        connection.shutdown(socket.SHUT_RDWR)

    with misbehaving(info_then(break_off_once)) as url:
        assert GroupScorer(url).score(samples("a"))[0].reward == 1.0
    assert len(requests) == 2


def test_score_when_no_address_of_the_name_answers_then_none_by_the_deadline(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.create_connection(full.getsockname()):
        place = (socket.AF_INET, socket.SOCK_STREAM, 0, "", full.getsockname())
        monkeypatch.setattr(socket, "getaddrinfo", lambda *asked, **more: [place] * 5)
        start_s = time.monotonic()
        (verdict,) = RemoteEngine("http://many:80", deadline_s=0.5).score(samples("x"))
    assert time.monotonic() - start_s <= 0.5 + OVERRUN_S
    assert verdict.reward is None


def test_score_when_the_name_is_never_resolved_then_none_by_the_deadline(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked, **more: threading.Event().wait(3))
    start_s = time.monotonic()
    (verdict,) = RemoteEngine("http://slow:80", deadline_s=0.4).score(samples("x"))
    assert time.monotonic() - start_s <= 0.4 + OVERRUN_S
    assert verdict.status is Status.DEADLINE_EXCEEDED
