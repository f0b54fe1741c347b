// Puts it all together: what the page says at the top, the theme, and what is drawn again when something changes.
function drawHead() {
  const { inputs, model, version, first, last } = data.about;
  const title = inputs.length === 0 ? "a stream" : inputs.length === 1 ? inputs[0] : `${inputs[0]} and ${inputs.length - 1} more`;
  byId("title").textContent = title;
  document.title = `${title} – Foreshadow`;
  const when = first === null ? "no packets" : `${moment(first, 0)} UTC, ${span(Math.max(0, last - first))}`;
  byId("subtitle").textContent = `${when} · forecast by ${model}`;
  byId("version").textContent = `Foreshadow ${version}.`;
}

function drawCards() {
  const it = data.stats;
  const alarms = it.anomalous_connections + it.anomalous_endpoints;
  const stated = data.about.false_alarms;
  const cards = [
    ["", whole(it.packets), `packets, ${bytes(it.bytes)}`],
    ["", whole(it.connections), "connections"],
    ["", it.bits.toFixed(2), "bits of surprise a packet"],
    ["odd", whole(it.anomalies), `${it.anomalies === 1 ? "anomaly" : "anomalies"}; stated is one false in ${rough(1 / stated)} packets`],
    ["alarm", whole(alarms), `${alarms === 1 ? "alarm" : "alarms"}: ${plural(it.anomalous_connections, "connection")}, ${plural(it.anomalous_endpoints, "endpoint")}`],
    ["ghost", whole(it.synthetic), `synthetic packets; ${whole(it.late)} came late${it.heartbeats_missing ? `; ${plural(it.heartbeats_missing, "heartbeat")} stopped` : ""}`],
  ];
  byId("cards").replaceChildren(...cards.map(([kind, number, text]) => make("div", { class: `card ${kind}` }, make("b", {}, number), make("span", {}, text))));
}

function drawAll() {
  drawTimeline();
  drawList();
  drawTrack();
  drawCalibration();
  drawTabs();
  drawTable();
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  byId("theme").setAttribute("aria-pressed", dark ? "true" : "false");
  byId("theme").textContent = dark ? "Light" : "Dark";
}

// What was chosen in the address stays chosen: #dark, #alarms, #filter=words.
const asked = new URLSearchParams(location.hash.slice(1));
const wanted = matchMedia("(prefers-color-scheme: dark)");
setTheme(asked.has("dark") || (!asked.has("light") && wanted.matches));
wanted.addEventListener("change", (event) => { setTheme(event.matches); drawAll(); });
byId("theme").addEventListener("click", () => { setTheme(document.documentElement.dataset.theme !== "dark"); drawAll(); });
if (asked.has("filter")) { state.filter = asked.get("filter"); byId("filter").value = state.filter; }
state.tab = Object.keys(TABLES).find((tab) => TABLES[tab].of.total > 0) || state.tab;
for (const tab of Object.keys(TABLES)) if (asked.has(tab)) state.tab = tab;
byId("filter").addEventListener("input", (event) => { state.filter = event.target.value; state.room = PAGE_ROWS; drawTable(); });
byId("more").addEventListener("click", () => { state.room += 5 * PAGE_ROWS; drawTable(); });
for (const [id, on] of [["by-number", false], ["by-time", true]]) {
  byId(id).addEventListener("click", () => {
    byTime = on;
    byId("by-number").setAttribute("aria-pressed", on ? "false" : "true");
    byId("by-time").setAttribute("aria-pressed", on ? "true" : "false");
    drawTrack();
  });
}
drawHead();
drawCards();
drawAll();
onNarrow.push(drawTable);
let waiting = 0;
addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { for (const [id, chart] of charts) chart.setSize({ width: Math.max(260, byId(id).clientWidth), height: chart.height }); }, 120);
});
document.documentElement.dataset.ready = "yes";
