"use strict";
// Read-only: the page listens to one WebSocket and never sends. Whatever comes from a model is set as text, never as markup.

const COLORS = ["#ffb000", "#7d9fff", "#ff7a2b", "#1fcf9d", "#f0559a", "#b096ff", "#3cc8f0", "#bed23c"];
const SILENT_AFTER_S = 5;
const NO_TOKEN = 4401, TOO_MANY = 4429;
const one = (id) => document.getElementById(id);
const cards = new Map();
let ended = false;
let retry_ms = 500;

// ---- the connection

function connect() {
  const token = location.hash.slice(1);
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/live`, token ? ["foveate", `token.${token}`] : ["foveate"]);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { retry_ms = 500; };
  socket.onmessage = (event) => {
    setLink("live", "live");
    if (typeof event.data === "string") showStatus(JSON.parse(event.data));
    else showView(...unpack(event.data));
  };
  socket.onclose = (event) => {
    if (event.code === NO_TOKEN) return end("This page needs its token", "Open the whole address that foveate serve printed, with what stands behind the #.");
    if (event.code === TOO_MANY) return end("Too many are looking", "Close the page elsewhere and load this one again.");
    setLink("lost", "reconnecting");
    if (!cards.size) say("The server does not answer", "This page goes on by itself as soon as it does.");
    setTimeout(connect, retry_ms);
    retry_ms = Math.min(8000, retry_ms * 1.7);
  };
}

function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  return [head, new Blob([new Uint8Array(buffer, 4 + length)], { type: "image/jpeg" })];
}

function end(title, text) {
  ended = true;
  setLink("lost", "closed");
  for (const name of [...cards.keys()]) remove(name);
  say(title, text);
}

function setLink(state, text) {
  one("link").dataset.state = state;
  one("link").lastElementChild.textContent = text;
}

function say(title, text) {
  one("empty").hidden = false;
  one("empty-title").textContent = title;
  one("empty-text").replaceChildren(...text.split("`").map((part, index) => {
    if (index % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  }));
}

// ---- what is shown

function showStatus(status) {
  one("model").textContent = status.models.join(", ") || "loading its model";
  one("version").textContent = `foveate ${status.version}`;
  one("devices").textContent = status.clients.length;
  one("devices-word").textContent = status.clients.length === 1 ? "device" : "devices";
  one("answers").textContent = status.answers.toLocaleString("en");
  one("uptime").textContent = span(status.uptime_s);
  document.title = status.models.length ? `foveate · ${status.models[0]}` : "foveate";
  const known = new Set(status.clients.map((client) => client.client));
  for (const name of [...cards.keys()]) if (!known.has(name)) remove(name);
  for (const client of status.clients) {
    const card = cards.get(client.client);
    if (card) card.answered_ms = performance.now() - 1000 * client.age_s;
  }
  if (!cards.size && !status.clients.length)
    say("No device yet", "The picture of a device appears with its first answer: `foveate device --camera 0 --server HOST:PORT`");
  layOut();
}

async function showView(head, blob) {
  const url = URL.createObjectURL(blob);
  const picture = new Image();
  picture.src = url;
  try { await picture.decode(); } catch { URL.revokeObjectURL(url); return; }
  const newer = (cards.get(head.client)?.number ?? 0) > head.number;  // pictures may be decoded out of order
  if (ended || newer) { URL.revokeObjectURL(url); return; }
  const card = cards.get(head.client) ?? add(head.client);
  // The new picture is complete: swapping it shows no gap.
  picture.alt = `frame ${head.frame}: ${count(head.objects.length, "object")}`;
  card.picture.replaceWith(picture);
  if (card.url) URL.revokeObjectURL(card.url);
  Object.assign(card, { picture, url, number: head.number, answered_ms: performance.now() });
  card.root.style.setProperty("--aspect", head.width / head.height);
  drawRegions(card, head);
  drawBoxes(card, head);
  drawTimes(card, head);
  drawDetail(card, head);
  one("empty").hidden = true;
  layOut();
}

function add(name) {
  const root = one("card").content.firstElementChild.cloneNode(true);
  root.dataset.client = name;
  root.querySelector("h2").textContent = `Device ${name.slice(-6)}`;
  root.querySelector("h2").title = name;
  root.querySelector(".view").onclick = () => root.classList.toggle("wide");
  const card = { root, picture: root.querySelector("img"), url: null, number: 0, answered_ms: 0 };
  cards.set(name, card);
  const after = [...one("grid").children].find((other) => other.dataset.client > name);
  one("grid").insertBefore(root, after ?? null);
  return card;
}

function remove(name) {
  const card = cards.get(name);
  card.root.remove();
  if (card.url) URL.revokeObjectURL(card.url);
  cards.delete(name);
}

function layOut() {
  one("grid").classList.toggle("one", cards.size === 1);
}

function drawRegions(card, head) {
  const map = card.root.querySelector(".regions");
  map.setAttribute("viewBox", `0 0 ${head.width} ${head.height}`);
  map.setAttribute("preserveAspectRatio", "none");
  const side = head.region_pixels, columns = Math.ceil(head.width / side), rows = Math.ceil(head.height / side);
  const low = head.low.map((region) => `M${(region % columns) * side} ${Math.floor(region / columns) * side}h${side}v${side}h${-side}z`);
  map.querySelector(".low").setAttribute("d", low.join(""));
  let lines = "";
  for (let column = 1; column < columns; column++) lines += `M${column * side} 0V${head.height}`;
  for (let row = 1; row < rows; row++) lines += `M0 ${row * side}H${head.width}`;
  map.querySelector(".lines").setAttribute("d", lines);
}

function drawBoxes(card, head) {
  const boxes = head.objects.map((object) => {
    const [left, top, right, bottom] = object.box;
    const box = document.createElement("div");
    const wide = (right - left) / head.width;
    box.className = "box" + (wide < 0.04 ? " tiny" : wide < 0.11 ? " small" : "") + (top < 0.06 * head.height ? " top" : "") + (left > 0.8 * head.width ? " right" : "");
    const share = (value, whole) => `${(100 * value / whole).toFixed(3)}%`;
    box.style.left = share(left, head.width);
    box.style.top = share(top, head.height);
    box.style.width = share(right - left, head.width);
    box.style.height = share(bottom - top, head.height);
    box.style.setProperty("--of", COLORS[object.class_id % COLORS.length]);
    const label = document.createElement("span");
    label.textContent = `${object.name} ${object.score.toFixed(2)}`;
    box.append(label);
    return box;
  });
  card.root.querySelector(".boxes").replaceChildren(...boxes);
}

function drawTimes(card, head) {
  const spans = head.spans_s, total = spans.queue + spans.decode + spans.inference;
  card.root.querySelector(".latency b").textContent = milliseconds(total);
  const stages = card.root.querySelector(".stages");
  for (const bar of stages.children) bar.style.flexGrow = spans[bar.className] / (total || 1);
  const told = `wait ${milliseconds(spans.queue)} ms, decoding ${milliseconds(spans.decode)} ms, model ${milliseconds(spans.inference)} ms`;
  stages.title = told;
  stages.setAttribute("aria-label", told);
  const all = head.latencies_s, most = Math.max(...all, 1e-3), step = 120 / Math.max(1, all.length - 1);
  const line = all.map((value, index) => `${index ? "L" : "M"}${(index * step).toFixed(1)} ${(26 - 24 * value / most).toFixed(1)}`).join("");
  const spark = card.root.querySelector(".spark");
  spark.querySelector(".line").setAttribute("d", all.length > 1 ? line : "");
  spark.querySelector(".under").setAttribute("d", all.length > 1 ? `${line}V28H0z` : "");
  spark.setAttribute("aria-label", `the last ${all.length} answers took up to ${milliseconds(most)} ms`);
}

function drawDetail(card, head) {
  const share = Math.round(100 * head.low.length / head.regions);
  const parts = [count(head.objects.length, "object"), `${head.width} × ${head.height}`, `${Math.round(head.bytes / 1000)} kB`];
  parts.push(head.low.length ? `${share} % low` : "full resolution");
  const line = card.root.querySelector(".detail");
  line.textContent = parts.join(" · ");
  line.title = head.low.length ? `restored at point ${head.restoration_point}; ${head.model}, frame ${head.frame}` : `${head.model}, frame ${head.frame}`;
}

function age() {
  for (const card of cards.values()) {
    const age_s = (performance.now() - card.answered_ms) / 1000;
    card.root.classList.toggle("silent", age_s > SILENT_AFTER_S);
    card.root.querySelector(".age").textContent = age_s > SILENT_AFTER_S ? `silent for ${span(age_s)}` : age_s > 1.5 ? `${span(age_s)} ago` : "now";
  }
}

// ---- words and switches

function count(number, word) { return `${number} ${word}${number === 1 ? "" : "s"}`; }
function milliseconds(span_s) { return span_s < 0.01 ? (1000 * span_s).toFixed(1) : Math.round(1000 * span_s).toString(); }

function span(span_s) {
  const units = [["d", 86400], ["h", 3600], ["min", 60]];
  const at = units.findIndex(([, size]) => span_s >= size);
  if (at < 0) return `${Math.floor(span_s)} s`;
  const [unit, size] = units[at];
  const [next, smaller] = units[at + 1] ?? ["s", 1];
  return `${Math.floor(span_s / size)} ${unit} ${Math.floor((span_s % size) / smaller)} ${next}`;
}

function remembered(key, otherwise) { try { return localStorage.getItem(key) ?? otherwise; } catch { return otherwise; } }
function remember(key, value) { try { localStorage.setItem(key, value); } catch { /* a private window forgets */ } }

for (const what of ["boxes", "regions"]) {
  const button = one(`show-${what}`);
  const set = (shown) => {
    button.setAttribute("aria-pressed", shown);
    document.body.classList.toggle(`no-${what}`, !shown);
    remember(what, shown);
  };
  set(remembered(what, "true") === "true");
  button.onclick = () => set(button.getAttribute("aria-pressed") !== "true");
}

const THEMES = ["auto", "light", "dark"];
function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  one("theme").textContent = theme[0].toUpperCase() + theme.slice(1);
  remember("theme", theme);
}
one("theme").onclick = () => setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % 3]);
setTheme(THEMES.includes(remembered("theme", "auto")) ? remembered("theme", "auto") : "auto");

setInterval(age, 500);
connect();
