// The tables: sorted by any column, narrowed by words and by the time the timeline shows.
const PART_NAMES = ["sender and flags", "size", "time", "entropy"];
const PAGE_ROWS = 50;
const state = { tab: "anomalies", filter: "", sort: {}, room: PAGE_ROWS };

function parts(row) {
  const all = row.parts.reduce((sum, bits) => sum + Math.max(bits, 0), 0) || 1;
  const colours = ["odd", "band", "alarm", "ghost"];
  const told = row.parts.map((bits, at) => [PART_NAMES[at], bits]).filter(([, bits]) => bits >= 0.05).map(([name, bits]) => `${name} ${bits.toFixed(1)}`).join(", ");
  return make("span", { class: "parts", role: "img", title: `bits as they count: ${told}`, "aria-label": told },
    ...row.parts.map((bits, at) => make("i", { style: { width: `${(100 * Math.max(bits, 0)) / all}%`, background: colour(colours[at]) } })));
}
function connection(row) {
  // Each end stays whole; a line may break between them.
  const end = (text) => make("span", { class: "end" }, text);
  const text = row.orig ? make("span", {}, end(row.orig), " → ", end(row.resp)) : end(row.host);
  const at = row.uid ? trackOf(row.uid) : -1;
  if (at < 0) return text;
  return make("button", { type: "button", title: "show its packets", on: { click: () => { choose(at); byId("h-tracks").scrollIntoView({ block: "start" }); } } }, text);
}
const count = (name, key, more) => ({ name, key, number: true, cell: (row) => (row[key] === null || row[key] === undefined ? "–" : whole(row[key])), ...more });
const bits = (name, key) => ({ name, key, number: true, cell: (row) => (row[key] === null || row[key] === undefined ? "–" : row[key].toFixed(1)) });
const oneIn = { name: "One in", key: "one_in", number: true, cell: (row) => (row.one_in < 10 ? "–" : rough(row.one_in)) };
const time = { name: "Time (UTC)", key: "time", cell: (row) => moment(row.time), kind: "t" };
const ends = { name: "Connection", key: "orig", cell: connection, kind: "a" };
const service = { name: "Service", key: "service", cell: (row) => row.service || "–" };
const why = { name: "Why", key: "why", cell: (row) => row.why, kind: "w" };

const TABLES = {
  anomalies: { name: "Anomalies", of: data.anomalies, what: "packets that were not expected", sort: ["one_in", -1], columns: [
    time, ends, service, count("Packet", "position", { cell: (row) => whole(row.position + 1) }), oneIn,
    { name: "Bits", key: "counted", number: true, cell: (row) => row.counted.toFixed(1) },
    { name: "Made of", key: "counted", cell: parts }, why] },
  alarms: { name: "Alarms", of: data.alarms, what: "connections and endpoints that stand out", sort: ["severity", -1], columns: [
    time, { name: "On", key: "kind", cell: (row) => row.kind }, { ...ends, name: "Who", key: "host" }, service, bits("Bits", "severity"), bits("Needed", "threshold"), oneIn,
    { name: "Made of", key: "reason", cell: (row) => row.terms.map(([name, bits]) => `${name} ${bits.toFixed(1)}`).join(", ") }, why] },
  connections: { name: "Connections", of: data.connections, what: "connections, those with most evidence kept", sort: ["severity", -1], columns: [
    time, ends, service, { name: "Lasted", key: "duration", number: true, cell: (row) => span(row.duration) }, count("Packets", "packets"),
    { name: "Payload", key: "bytes", number: true, cell: (row) => bytes(row.bytes) }, bits("Evidence", "severity"), bits("Mean bits", "mean"), bits("Most bits", "max"), count("Anomalies", "anomalies"), count("Synthetic", "synthetic")] },
  endpoints: { name: "Endpoints", of: data.endpoints, what: "endpoints by what they began", sort: ["severity", -1], columns: [
    { name: "Endpoint", key: "address", cell: (row) => row.address }, bits("Evidence", "severity"), count("Alarms", "alarms"), count("Anomalies", "anomalies"),
    count("Connections", "connections"), count("Packets", "packets"), bits("Mean bits", "mean")] },
};

/** A row's words, for the filter. */
const words = (row) => Object.values(row).filter((value) => typeof value === "string").join(" ").toLowerCase();

function narrowed(table) {
  const asked = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const within = (row) => shown.from === null || row.time === undefined || (row.time >= shown.from && row.time <= shown.to);
  return table.of.rows.filter((row) => within(row) && asked.every((word) => words(row).includes(word)));
}

function drawTabs() {
  byId("tabs").replaceChildren(...Object.entries(TABLES).map(([id, table]) => make("button", {
    type: "button", role: "tab", "aria-selected": id === state.tab ? "true" : "false", id: `tab-${id}`,
    on: { click: () => { state.tab = id; state.room = PAGE_ROWS; drawTabs(); drawTable(); } },
  }, `${table.name} ${whole(table.of.total)}`)));
}

function drawTable() {
  const table = TABLES[state.tab];
  const [key, way] = state.sort[state.tab] || table.sort;
  const order = (a, b) => {
    const [one, other] = [a[key] ?? -Infinity, b[key] ?? -Infinity];
    return (typeof one === "string" || typeof other === "string" ? String(one).localeCompare(String(other), "en", { numeric: true }) : one - other) * way;
  };
  const rows = narrowed(table).sort(order);
  const head = make("tr", {}, ...table.columns.map((column) => make("th", {
    scope: "col", class: column.number ? "n" : column.kind || null, "aria-sort": column.key === key && column.cell !== parts ? (way > 0 ? "ascending" : "descending") : null,
  }, make("button", { type: "button", on: { click: () => { state.sort[state.tab] = [column.key, column.key === key ? -way : column.number ? -1 : 1]; drawTable(); } } }, column.name))));
  // Where the page is narrow the sentence stands below its row instead of in it.
  const body = rows.slice(0, state.room).flatMap((row) => [
    make("tr", { "data-uid": row.uid, "data-ts": row.ts, "data-host": row.host || row.address },
      ...table.columns.map((column) => make("td", { class: column.number ? "n" : column.kind || null }, column.cell(row)))),
    ...(row.why ? [make("tr", { class: "below" }, make("td", { colspan: table.columns.length }, row.why))] : []),
  ]);
  byId("table").replaceChildren(make("table", {}, make("caption", { class: "skip" }, table.what), make("thead", {}, head), make("tbody", {}, ...body)));
  byId("table").setAttribute("aria-labelledby", `tab-${state.tab}`);
  const { total, rows: all } = table.of;
  const left = total > all.length ? ` The page holds the ${whole(all.length)} that tell most of ${whole(total)}.` : "";
  const few = rows.length < all.length ? `${whole(rows.length)} of them match.` : "";
  byId("narrowed").textContent = total === 0 ? `None: ${table.what}.` : `${whole(total)}: ${table.what}. ${few}${left}`;
  byId("more").hidden = rows.length <= state.room;
  byId("more").textContent = `Show more (${whole(Math.max(0, rows.length - state.room))} left)`;
}
