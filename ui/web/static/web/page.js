"use strict";
// Keeps the page alive: one event stream a tab, closed while the tab is hidden; polling where streams don't come through.
// The server sends finished text by cell, so nothing is formatted here.

const POLL_MS = 2000;
const SILENT_MS = 6000; // the server says something every 2 s
const REOPEN_MS = 10000;
const root = document.documentElement;
const page = document.getElementById("page");
const link = document.querySelector("[data-cell='link.state']");
const query = "?account=" + encodeURIComponent(page.dataset.account);
const cells = new Map();
const tables = new Map();
let source = null;
let poll = 0;
let reopen = 0;
let heard = 0;
let heardClock = "";
let failures = 0;
let said = null; // what the server last said of its streams

for (const element of document.querySelectorAll("[data-cell]")) {
  cells.set(element.dataset.cell, element);
}
for (const table of document.querySelectorAll("[data-table]")) {
  const columns = Array.from(table.tHead.rows[0].cells, (head) => ({ key: head.dataset.column, look: head.dataset.look }));
  const rows = new Map(Array.from(table.tBodies[0].rows, (row) => [row.dataset.row, row]));
  const empty = document.querySelector(`[data-empty="${table.dataset.table}"]`);
  tables.set(table.dataset.table, { body: table.tBodies[0], columns, rows, empty });
}

function write(key, cell) {
  const element = cells.get(key);
  if (!element) return;
  const [text, look] = cell;
  if (element.textContent !== text) element.textContent = text;
  const base = element.dataset.base ?? element.dataset.column ?? "";
  const names = (base + " look-" + (look || "none").split(" ").join(" look-")).trim();
  if (element.className !== names) element.className = names;
}

function makeRow(name, table, key) {
  const row = document.createElement("tr");
  row.dataset.row = key;
  for (const column of table.columns) {
    const cell = row.insertCell();
    cell.dataset.cell = `${name}.${key}.${column.key}`;
    cells.set(cell.dataset.cell, cell);
  }
  return row;
}

function arrange(name, keys) {
  const table = tables.get(name);
  if (!table) return;
  const wanted = new Set(keys);
  for (const [key, row] of table.rows) {
    if (wanted.has(key)) continue;
    for (const cell of row.cells) cells.delete(cell.dataset.cell);
    row.remove();
    table.rows.delete(key);
  }
  keys.forEach((key, index) => {
    if (!table.rows.has(key)) table.rows.set(key, makeRow(name, table, key));
    const row = table.rows.get(key);
    if (table.body.rows[index] !== row) table.body.insertBefore(row, table.body.rows[index] || null);
    Array.from(row.cells, (cell, at) => (cell.dataset.column = table.columns[at].look));
  });
  table.empty.classList.toggle("d-none", keys.length > 0);
}

function draw(picture) {
  heard = performance.now();
  heardClock = new Date().toLocaleTimeString("en-GB");
  failures = 0;
  root.dataset.link = "live";
  if (picture.accounts && JSON.stringify(picture.accounts) !== JSON.stringify(JSON.parse(page.dataset.accounts))) {
    location.reload();
    return;
  }
  for (const [name, keys] of Object.entries(picture.rows || {})) arrange(name, keys);
  for (const [key, cell] of Object.entries(picture.cells || {})) write(key, cell);
  said = (picture.cells || {})["link.state"] || said;
  if (said) write("link.state", said);
  for (const [name, place] of Object.entries(picture.marks || {})) {
    const element = document.querySelector(`[data-mark="${name}"]`);
    if (element) element.setAttribute(element.dataset.attribute, place);
  }
  for (const [name, state] of Object.entries(picture.sources || {})) {
    for (const card of document.querySelectorAll(`[data-source="${name}"]`)) card.dataset.state = state;
  }
}

function broken(word) {
  root.dataset.link = "broken";
  link.textContent = word;
  link.className = "fw-semibold look-stale";
}

function lost() {
  return navigator.onLine ? "○ reconnecting" : "○ offline, last " + heardClock;
}

function open() {
  close();
  source = new EventSource("/live" + query);
  source.addEventListener("snapshot", (event) => draw(JSON.parse(event.data)));
  source.addEventListener("update", (event) => draw(JSON.parse(event.data)));
  source.onopen = stopPolling;
  source.onerror = () => {
    failures += 1;
    broken(lost());
    if (source.readyState === EventSource.CLOSED || failures > 2) startPolling();
  };
}

function close() {
  if (source) source.close();
  source = null;
}

function startPolling() {
  close();
  if (!poll) poll = setInterval(ask, POLL_MS);
  if (!reopen) reopen = setInterval(open, REOPEN_MS);
  ask();
}

function stopPolling() {
  clearInterval(poll);
  clearInterval(reopen);
  poll = reopen = 0;
}

async function ask() {
  try {
    const answer = await fetch("/live/snapshot" + query, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.status === 401 || answer.status === 403) {
      location.assign("/login?next=/");
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    draw(await answer.json());
  } catch (error) {
    broken("○ offline, last " + (heardClock || "never"));
  }
}

function watch() {
  if (document.hidden || !heard || performance.now() - heard < SILENT_MS) return;
  broken(lost());
  if (source) open();
  heard = performance.now();
}

document.addEventListener("visibilitychange", () => {
  stopPolling();
  if (document.hidden) close();
  else open();
});
window.addEventListener("offline", () => broken(lost()));
window.addEventListener("pagehide", close);

const theme = document.getElementById("theme");
function nameTheme() {
  theme.textContent = root.dataset.bsTheme === "dark" ? "light" : "dark";
}
theme.hidden = false;
theme.addEventListener("click", () => {
  root.dataset.bsTheme = root.dataset.bsTheme === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.bsTheme);
  } catch (refused) {
    // storage is off in this browser: the choice lasts as long as the page
  }
  nameTheme();
});
nameTheme();

// Server-rendered cells take their column's classes from the head, as those made here do.
for (const [name, table] of tables) arrange(name, Array.from(table.rows.keys()));
setInterval(watch, 1000);
open();
