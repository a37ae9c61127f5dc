"""The server answers what it should, and nothing else."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from apps.report.conftest import chromium, make, trial  # noqa: F401 (fixtures)

from nasir.apps.serve.server import Server, is_loopback
from nasir.cli.main import main
from nasir.runs.sweep import create_sweep


@contextmanager
def serving(folder, host="127.0.0.1") -> Iterator[Server]:
    with Server(folder, host, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def answer(server, path="/", method="GET", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    got = connection.getresponse()
    return got.status, got.headers, got.read().decode()


@pytest.fixture
def server(make, tmp_path):  # noqa: F811
    make([trial(0, 21.5), trial(1)])
    with serving(tmp_path / "runs") as one:
        yield one


def test_all_runs_and_each_of_them_have_a_page(server):
    status, headers, text = answer(server)
    assert status == 200
    assert "21.50" in text
    assert 'href="/run/run-0"' in text
    assert headers["Refresh"] == "5"
    status, headers, text = answer(server, "/run/run-0")
    assert status == 200
    assert "out of luck" in text
    assert "Refresh" not in headers  # the run has ended


def test_a_sweep_has_a_page_with_links_to_its_runs(server, tmp_path):
    sweep = tmp_path / "runs" / "mine"
    plan = {name: ({"seed": seed}, {}, {}) for seed, name in enumerate(["one", "two"])}
    create_sweep(sweep, plan)
    (tmp_path / "runs" / "run-0").rename(sweep / "other")
    (sweep / "linked").symlink_to(sweep / "other")
    assert 'href="/run/mine"' in answer(server)[2]
    status, _, text = answer(server, "/run/mine")
    assert status == 200
    assert all(f'href="/run/mine%2F{name}"' in text for name in ("one", "two", "other"))
    assert "out of luck" in answer(server, "/run/mine%2Fother")[2]
    for path in (
        "mine%2F..",
        "mine%2Flinked",
        "mine%2Fother%2Fbest",
        "mine%2Fnone",
        "mine%2F..%2Fx",
    ):
        assert answer(server, f"/run/mine%2F{path}")[0] == 404, path


def test_a_page_follows_its_run(server, make):  # noqa: F811
    assert "run-1" not in answer(server)[2]
    make([trial(0, 1.25)])
    assert "run-1" in answer(server)[2]
    assert "1.25" in answer(server, "/run/run-1")[2]


@pytest.mark.parametrize(
    "path",
    [
        "/run/..",
        "/run/.",
        "/run/",
        "/run/../runs/run-0",
        "/run/%2e%2e%2fother",
        "/run/linked",
        "/run/run-0%00",
        "/run/none",
        "/etc/passwd",
        "/run/%2Fetc",
        "//run-0",
        "/%ff",
    ],
)
def test_nothing_outside_of_the_folder_is_shown(server, tmp_path, path):
    other = tmp_path / "other"
    (tmp_path / "runs" / "run-0").rename(other)
    (tmp_path / "runs" / "linked").symlink_to(other)
    assert answer(server, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_it_only_reads(server, method):
    assert answer(server, method=method)[0] == 501


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "192.0.2.1", ""])
def test_a_page_from_elsewhere_cannot_read_it(server, host):
    assert answer(server, Host=host)[0] == 403


def test_other_pages_may_not_embed_it(server):
    headers = answer(server)[1]
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers


def test_elsewhere_than_on_loopback_it_wants_a_token(tmp_path):
    with serving(tmp_path, "0.0.0.0") as server:
        assert server.token in server.address
        for path in ("/", "/?token=", "/?token=x", "/?token=%C3%BC"):
            assert answer(server, path)[0] == 403
        assert answer(server, Cookie="nasir-token=x")[0] == 403
        status, headers, _ = answer(server, f"/?token={server.token}")
        assert (status, headers["Location"]) == (303, "/")
        cookie = headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert answer(server, Cookie=cookie.partition(";")[0])[0] == 200


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.0.1", False),
        ("localhost.evil", False),
    ],
)
def test_loopback(host, loopback):
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "there is no folder"),
        ([".", "--port", "99999"], "choose another port"),
        ([".", "--host", "no.such.host.invalid"], "cannot serve on"),
    ],
)
def test_what_cannot_be_served_is_refused(words, message, capsys):
    assert main(["serve", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_run_in_progress_in_a_browser(make, tmp_path, chromium):  # noqa: F811
    hostile = {"kernel": "<script>document.title='x'</script>"}
    run = make([trial(0, 3.5), trial(1, 2.5, choices=hostile)], state="running")
    from nasir.runs.run import writing

    with serving(tmp_path / "runs") as server, writing(run):
        chromium.open(server.address)
        chromium.run("document.querySelector('tbody a').click()")
        chromium.open(f"{server.address}run/run-0")
        assert chromium.run("document.querySelector('.chip').textContent") == "running"
        assert "trial 0" in chromium.run("document.body.textContent")
        assert chromium.run("document.title") != "x"
        asked = {url for url in chromium.requests if not url.startswith(server.address)}
        assert asked == set()
        assert chromium.complaints == []
        assert answer(server, "/run/run-0")[1]["Refresh"] == "5"
