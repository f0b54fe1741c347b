// A connection packet by packet: the range that was forecast, and what came, in size and in time.
let track = 0;
let byTime = false;

function drawList() {
  const list = byId("track-list");
  list.replaceChildren(...data.tracks.map((it, at) => make("div", {
    role: "option", class: "item", id: `track-${at}`, "aria-selected": at === track ? "true" : "false", on: { click: () => choose(at) },
  },
  make("b", {}, `${it.orig} → ${it.resp}`),
  make("span", {}, `${it.service} · ${whole(it.packets)} packets · `),
  it.anomalies ? make("em", {}, `${whole(it.anomalies)} anomalies`) : make("span", {}, `rarest one in ${rough(it.rarest)}`),
  make("span", {}, it.severity >= 0.05 ? ` · ${it.severity.toFixed(1)} bits` : ""))));
  list.setAttribute("aria-activedescendant", `track-${track}`);
  list.onkeydown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    choose(Math.min(data.tracks.length - 1, Math.max(0, track + step)));
  };
}

function choose(at) {
  track = at;
  drawList();
  drawTrack();
  const list = byId("track-list"), item = byId(`track-${at}`);
  if (item) list.scrollTop = Math.max(0, item.offsetTop - list.offsetTop - 60);
}

/** The track of a connection, if it is one of those shown. */
const trackOf = (uid) => data.tracks.findIndex((it) => it.uid === uid);

/** Where each packet stands on the horizontal axis. */
function places(it) {
  return byTime ? it.time : it.time.map((_, at) => at + 1);
}

/** The part of a connection that is looked at first. */
function around(it, x, [low, high]) {
  const FIRST_LOOK = 110;
  if (x.length <= FIRST_LOOK * 1.2) return [low, high];
  const rarest = it.one_in.reduce((best, one, at) => (one > it.one_in[best] ? at : best), 0);
  const from = Math.max(0, Math.min(x.length - FIRST_LOOK, rarest - Math.floor(FIRST_LOOK * 0.6)));
  return [from === 0 ? low : x[from], from + FIRST_LOOK >= x.length ? high : x[from + FIRST_LOOK - 1]];
}

/** Where a synthetic packet stands: at its time, or after the packets that were there before it. */
function ghostPlace(it, due) {
  if (byTime) return due;
  let before = 0;
  while (before < it.time.length && it.time[before] <= due) before += 1;
  return before + 0.5;
}

function drawTrack() {
  const it = data.tracks[track];
  if (!it) {
    byId("track-title").textContent = "No connection had two packets.";
    return;
  }
  const x = places(it);
  const kept = it.time.length < it.packets ? `, ${whole(it.time.length)} of them shown` : "";
  byId("track-title").textContent = `${it.service}: ${it.orig} → ${it.resp}, ${whole(it.packets)} packets${kept}`;
  byId("whole-track").hidden = x.length <= 132;
  byId("whole-track").onclick = () => charts.get("sizes").setScale("x", { min: range[0] - pad, max: range[1] + pad });
  const ghosts = it.synthetic.map(([due, last, side, size, outcome]) => ({ x: ghostPlace(it, due), wait: due - last, size: side * Math.max(size, 1), outcome }));
  const range = byTime ? [0, Math.max(it.time[it.time.length - 1], 1e-6)] : [0, x.length + 1];
  const pad = byTime ? (range[1] - range[0]) * 0.01 : 0;
  // At first what stands around the rarest packet: a whole long connection is a blur.
  const [first, last] = around(it, x, range);
  const signed = it.size.map((size, at) => it.side[at] * Math.max(size, 1));
  const wait = it.wait.map((wait) => (wait === null ? null : Math.max(wait, 1e-6)));
  const largest = Math.max(100, ...signed.map(Math.abs), ...it.size_high);
  const longest = Math.max(1e-3, ...wait.filter((it) => it !== null), ...it.wait_high.filter((high, at) => wait[at] !== null && high < 1e5));
  const sync = uPlot.sync("track");
  const shared = {
    cursor: { drag: { x: true, y: false }, sync: { key: sync.key }, points: { show: false } },
    hooks: {
      setCursor: [(chart) => read(it, chart.cursor.idx)],
      setScale: [(chart, key) => {
        if (key !== "x") return;
        const { min, max } = chart.scales.x;
        for (const id of ["sizes", "waits"]) {
          const other = charts.get(id);
          if (other && other !== chart && (other.scales.x.min !== min || other.scales.x.max !== max)) other.setScale("x", { min, max });
        }
      }],
    },
    scales: { x: { time: false, range: (_, min, max) => (min === max ? range : [min, max]) } },
  };
  const xAxis = (more) => axis({ values: byTime ? (_, at) => at.map((it) => span(it)) : (_, at) => at.map((place) => (Number.isInteger(place) && it.position[place - 1] !== undefined ? whole(it.position[place - 1] + 1) : "")), ...more });
  const options = (height, y, more, paint) => ({
    height, ...shared,
    scales: { x: { ...shared.scales.x, min: first - pad, max: last + pad }, y },
    axes: more,
    series: [{}, { stroke: "transparent", points: { show: false } }],
    hooks: { ...shared.hooks, draw: [(chart) => clipped(chart, (pen, ratio) => paint(chart, pen, ratio))] },
  });
  const sizeAxis = (_, at) => at.map((size) => (size === 0 ? "0" : `${whole(Math.abs(size))}`));
  draw("sizes", options(240, { distr: 4, asinh: 20, range: [-largest * 1.6, largest * 1.6] }, [
    xAxis({ size: 30 }),
    axis({ label: "← responder · bytes · originator →", size: 66, splits: () => sizeTicks(largest), values: sizeAxis }),
  ], (chart, pen, ratio) => paintTrack(chart, pen, ratio, x, {
    came: signed,
    band: (at) => [it.side_e[at] * Math.max(it.size_low[at], 0.5), it.side_e[at] * Math.max(it.size_high[at], 1), it.side_e[at] * Math.max(it.size_mode[at], 1)],
    odd: it.anomalous, ghosts: ghosts.map((ghost) => ({ x: ghost.x, y: ghost.size })),
  })), [x, signed]);
  draw("waits", options(200, { distr: 3, range: [1e-6, longest * 2] }, [
    xAxis({ label: byTime ? "time since its first packet" : "packet of the connection", size: 30 }),
    axis({ label: "wait before it", size: 66, splits: powers, values: (_, at) => at.map((it) => span(Number(it.toPrecision(3)))) }),
  ], (chart, pen, ratio) => paintTrack(chart, pen, ratio, x, {
    came: wait,
    band: (at) => (wait[at] === null ? null : [Math.max(it.wait_low[at], 1e-6), Math.max(it.wait_high[at], 1e-6), Math.max(it.wait_mode[at], 1e-6)]),
    odd: it.anomalous, ghosts: ghosts.map((ghost) => ({ x: ghost.x, y: Math.max(ghost.wait, 1e-6) })),
  })), [x, wait]);
  legend("tracks-legend", [
    ["expected: 90 % of what was forecast, with the likeliest", looks.band("band")], ["what came", looks.dot("came")],
    ["anomaly", looks.diamond("odd")], ["synthetic: due, and not there yet", looks.hollow("ghost")],
  ]);
  read(it, null);
}

function sizeTicks(largest) {
  const ticks = [1, 10, 100, 1000, 10000, 100000].filter((size) => size <= largest * 1.6);
  return [...ticks.map((size) => -size).reverse(), 0, ...ticks].filter((size) => size === 0 || Math.abs(size) >= 100);
}

function paintTrack(chart, pen, ratio, x, { came, band, odd, ghosts }) {
  const place = (value) => chart.valToPos(value, "x", true);
  const height = (value) => chart.valToPos(value, "y", true);
  const gap = x.length > 1 ? Math.abs(place(x[1]) - place(x[0])) : 20 * ratio;
  const wide = byTime ? 5 * ratio : Math.max(2 * ratio, Math.min(gap, 26 * ratio));
  for (let at = 0; at < x.length; at += 1) {
    const range = band(at);
    if (!range) continue;
    const left = place(x[at]) - wide / 2;
    const [low, high, mode] = range.map(height);
    pen.fillStyle = faded("band", byTime ? 22 : 32);
    pen.fillRect(left, Math.min(low, high), wide, Math.max(2 * ratio, Math.abs(high - low)));
    pen.fillStyle = colour("band");
    pen.fillRect(left, mode - 0.5 * ratio, wide, ratio);
  }
  pen.strokeStyle = colour("ghost");
  pen.lineWidth = 1.6 * ratio;
  for (const ghost of ghosts) {
    const size = 3.5 * ratio;
    pen.strokeRect(place(ghost.x) - size, height(ghost.y) - size, 2 * size, 2 * size);
  }
  pen.fillStyle = colour("came");
  for (let at = 0; at < x.length; at += 1) {
    if (came[at] === null || odd[at]) continue;
    pen.beginPath(); pen.arc(place(x[at]), height(came[at]), 2.1 * ratio, 0, 7); pen.fill();
  }
  pen.fillStyle = colour("odd");
  for (let at = 0; at < x.length; at += 1) {
    if (odd[at]) diamond(pen, place(x[at]), height(came[at] === null ? chart.scales.y.min : came[at]), 5.5 * ratio);
  }
}

/** Says one packet in words. */
function read(it, at) {
  const out = byId("readout");
  if (at === null || at === undefined || it.time[at] === undefined) {
    out.replaceChildren(make("span", { class: "quiet" }, "Point at a packet to read what was expected of it; drag to look closer, double-click for all of it."));
    return;
  }
  const who = (side) => (side > 0 ? "originator" : "responder");
  const seen = `${it.flags[at] ? `${it.flags[at]}, ` : ""}${whole(it.size[at])} bytes from the ${who(it.side[at])}`;
  const after = it.wait[at] === null ? "as the first packet" : `${span(it.wait[at])} after the packet before`;
  const flags = it.flags_e[at] ? `${it.flags_e[at]}, ` : "";
  const expected = `${flags}${whole(it.size_low[at])} to ${whole(it.size_high[at])} bytes (likeliest ${whole(it.size_mode[at])}) from the ${who(it.side_e[at])}, ${Math.round(it.sure[at] * 100)} % sure`;
  const wait = it.wait[at] === null ? "" : `, after ${span(it.wait_low[at])} to ${span(it.wait_high[at])}`;
  const nothing = it.nothing[at] > 0.5 ? `; that nothing more comes: ${Math.round(it.nothing[at] * 100)} %` : "";
  out.replaceChildren(
    make("b", {}, `Packet ${whole(it.position[at] + 1)}: `), `${seen}, ${after}.`, make("br"),
    make("b", {}, "Expected: "), `${expected}${wait}${nothing}.`, make("br"),
    `${it.bits[at].toFixed(1)} bits of surprise; one in ${rough(it.one_in[at])} packets like it${it.anomalous[at] ? ", an anomaly" : ""}.`);
}
