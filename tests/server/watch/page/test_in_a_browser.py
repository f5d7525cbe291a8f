"""The live page as a person sees it: a server, two devices over loopback, and a browser without a screen."""

import threading
from contextlib import contextmanager

import pytest

from foveate.device import run_live
from foveate.network.transports import ZmqHub
from foveate.policies import by_name
from foveate.server import serve
from foveate.server.watch import Address, Watchers, WatchOptions
from foveate.server.watch.page.admission import TOKEN_VARIABLE
from foveate.testing import FakeDetector
from foveate.testing.streams import mjpeg_camera

pytestmark = pytest.mark.browser
PATIENCE_S = 30
CARDS = "document.querySelectorAll('.card').length"
SEEN = """(() => {
  const card = document.querySelector('.card'), picture = card.querySelector('img');
  const at = (element) => { const r = element.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  const [left, top, right, bottom] = at(picture);
  return {
    natural: [picture.naturalHeight, picture.naturalWidth],
    boxes: [...card.querySelectorAll('.box')].map((box) => {
      const b = at(box);
      const wide = right - left, tall = bottom - top;
      return [(b[0] - left) / wide, (b[1] - top) / tall, (b[2] - left) / wide, (b[3] - top) / tall];
    }),
    labels: [...card.querySelectorAll('.box span')].map((label) => label.textContent),
    low: card.querySelector('.regions .low').getBBox().width,
    latency: card.querySelector('.latency b').textContent,
    line: card.querySelector('.spark .line').getAttribute('d'),
    detail: card.querySelector('.detail').textContent,
    wider: document.documentElement.scrollWidth > innerWidth,
  };
})()"""


@contextmanager
def serving(page):
    """A server with a page, and its port for devices."""
    stop = threading.Event()
    with Watchers(WatchOptions(page=page)) as watchers, ZmqHub("127.0.0.1:0") as hub:
        arguments = {"stop": stop.is_set, "observers": watchers.observers}
        thread = threading.Thread(target=serve, args=(FakeDetector(), hub), kwargs=arguments)
        thread.start()
        try:
            yield watchers.lines[0].removeprefix("live page at "), f"127.0.0.1:{hub.port}"
        finally:
            stop.set()
            hub.wake()
            thread.join(PATIENCE_S)


@contextmanager
def devices(server, count):
    """Real devices, each with a camera of moving squares, that mask what holds no object."""
    stop = threading.Event()
    with mjpeg_camera(fps=10) as url:
        arguments = {
            "server": server,
            "policy": by_name("fixed:beta=4,quality=90"),
            "on_frame": lambda event: None,
            "stop": stop.is_set,
            "fps": 10,
        }
        threads = [threading.Thread(target=run_live, args=(url,), kwargs=arguments) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join(PATIENCE_S)


@pytest.fixture
def browser(request, tmp_path):
    from foveate.testing.browser import Browser

    with Browser(tmp_path / "profile", dark=getattr(request, "param", False)) as browser:
        yield browser


@pytest.mark.parametrize("browser", [False, True], ids=["light", "dark"], indirect=True)
def test_each_device_has_its_picture_boxes_regions_and_latency(browser):
    with serving(Address.parse("127.0.0.1:0")) as (url, server):
        browser.open(url)
        assert browser.wait_for("document.getElementById('empty-title').textContent === 'No device yet'")
        with devices(server, 2):
            browser.wait_for(f"{CARDS} === 2")
            browser.wait_for("document.querySelector('.spark .line').getAttribute('d').includes('L')")
            browser.wait_for("document.querySelector('.card .detail').textContent.includes('low')")
            seen = browser.evaluate(SEEN)
        assert seen["natural"] == [64, 96]
        assert len(seen["boxes"]) == 2
        for left, top, right, bottom in seen["boxes"]:
            assert (right - left) * 192 == pytest.approx(24, abs=6)
            assert (bottom - top) * 128 == pytest.approx(24, abs=6)
            assert min(left, top) >= -0.02
            assert max(right, bottom) <= 1.02
        assert {label.split()[0] for label in seen["labels"]} == {"person", "car"}
        assert seen["low"] >= 64
        assert float(seen["latency"]) > 0
        assert "2 objects · 192 \u00d7 128" in seen["detail"]
        assert not seen["wider"]
        assert browser.evaluate("document.getElementById('empty').hidden")
        assert browser.evaluate("document.getElementById('link').dataset.state") == "live"
    assert browser.problems == []


def test_switches_hide_boxes_and_regions_and_choose_colours(browser):
    with serving(Address.parse("127.0.0.1:0")) as (url, server), devices(server, 1):
        browser.open(url)
        browser.wait_for(f"{CARDS} === 1")
        shown = "getComputedStyle(document.querySelector('.boxes')).display"
        assert browser.evaluate(shown) == "block"
        browser.evaluate("document.getElementById('show-boxes').click()")
        assert browser.evaluate(shown) == "none"
        browser.evaluate("document.getElementById('show-regions').click()")
        assert browser.evaluate("getComputedStyle(document.querySelector('.regions')).display") == "none"
        papers = set()
        for theme in ("light", "dark"):
            browser.evaluate("document.getElementById('theme').click()")
            assert browser.evaluate("document.documentElement.dataset.theme") == theme
            papers.add(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert len(papers) == 2
    assert browser.problems == []


def test_off_the_loopback_the_page_asks_for_its_token(browser, monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, "a-token-that-stays-1")
    with serving(Address.parse("0.0.0.0:0")) as (url, server), devices(server, 1):
        here = url.replace("0.0.0.0", "127.0.0.1")
        browser.open(here.partition("#")[0])
        browser.wait_for("document.getElementById('empty-title').textContent === 'This page needs its token'")
        assert browser.evaluate(CARDS) == 0
        browser.open("about:blank#away")
        browser.open(here)
        browser.wait_for(f"{CARDS} === 1")
    assert browser.problems == []
