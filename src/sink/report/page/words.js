// The data, and how numbers, times and elements are made of it. Text from traffic only ever becomes a text
// node: no function here takes markup.
const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

/** An element with text and attributes; children after them. */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [what, run] of Object.entries(value)) element.addEventListener(what, run);
    else if (key === "style") for (const [what, to] of Object.entries(value)) element.style.setProperty(what, to);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const faded = (name, share) => `color-mix(in srgb, ${colour(name)} ${share}%, transparent)`;

const whole = (number) => Math.round(number).toLocaleString("en");

/** A number to two digits: 49,000. */
function rough(number) {
  if (!(number >= 10)) return whole(number || 0);
  const unit = 10 ** (Math.floor(Math.log10(number)) - 1);
  return whole(Math.round(number / unit) * unit);
}

function bytes(number) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (number >= 1000 && at < units.length - 1) { number /= 1000; at += 1; }
  return `${at === 0 ? whole(number) : number.toPrecision(3)} ${units[at]}`;
}

/** Seconds as people say them. */
function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const [value, unit] =
    seconds === 0 ? [0, "s"] :
    seconds < 1e-3 ? [seconds * 1e6, "µs"] :
    seconds < 1 ? [seconds * 1e3, "ms"] :
    seconds < 120 ? [seconds, "s"] :
    seconds < 7200 ? [seconds / 60, "min"] :
    seconds < 172800 ? [seconds / 3600, "h"] : [seconds / 86400, "days"];
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${unit}`;
}

/** A moment in UTC, to what its span makes worth telling. */
function moment(seconds, decimals = 3) {
  const date = new Date(Math.floor(seconds * 1000));
  if (Number.isNaN(date.getTime())) return String(seconds);
  const text = date.toISOString();
  const fraction = (seconds - Math.floor(seconds)).toFixed(decimals).slice(1);
  return `${text.slice(0, 10)} ${text.slice(11, 19)}${decimals ? fraction : ""}`;
}

/** A count and its noun. */
const plural = (number, noun) => `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;

/** The powers of ten within a range, for the ticks of a logarithmic axis. */
function powers(_, __, min, max) {
  const ticks = [];
  for (let power = Math.ceil(Math.log10(min) - 1e-9); power <= Math.log10(max) + 1e-9; power += 1) ticks.push(10 ** power);
  return ticks.length > 7 ? ticks.filter((_, at) => at % 2 === 0) : ticks;
}

/** An entry of a legend: a name beside what it looks like. */
function legend(id, entries) {
  byId(id).replaceChildren(...entries.map(([name, style]) => make("li", {}, make("i", { style, "aria-hidden": "true" }), name)));
}
const looks = {
  area: (name) => ({ background: faded(name, 28), "border-top": `2px solid ${colour(name)}` }),
  band: (name) => ({ background: faded(name, 32) }),
  dot: (name) => ({ background: colour(name), "border-radius": "50%", width: "8px", height: "8px", "vertical-align": "0" }),
  diamond: (name) => ({ background: colour(name), transform: "rotate(45deg)", width: "8px", height: "8px", "vertical-align": "0" }),
  hollow: (name) => ({ border: `2px solid ${colour(name)}`, width: "9px", height: "9px" }),
  line: (name) => ({ background: colour(name), height: "2px", "vertical-align": "3px" }),
};

/** What every chart shares: axes in the page's colours. */
function axis(more) {
  return { filter: (_, ticks) => ticks, stroke: colour("quiet"), font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: 18,
    grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid"), width: 1, size: 4 }, ...more };
}
const charts = new Map();
/** Puts a chart in the place of the one before. */
function draw(id, options, columns) {
  charts.get(id)?.destroy();
  const place = byId(id);
  place.replaceChildren();
  const chart = new uPlot({ width: Math.max(260, place.clientWidth), legend: { show: false }, ...options }, columns, place);
  charts.set(id, chart);
  return chart;
}
/** Ordinary shapes on a chart's canvas, in its pixels. */
function diamond(pen, x, y, size) {
  pen.beginPath();
  pen.moveTo(x, y - size); pen.lineTo(x + size, y); pen.lineTo(x, y + size); pen.lineTo(x - size, y);
  pen.closePath();
  pen.fill();
}
function clipped(chart, paint) {
  const pen = chart.ctx;
  pen.save();
  pen.beginPath();
  pen.rect(chart.bbox.left, chart.bbox.top, chart.bbox.width, chart.bbox.height);
  pen.clip();
  paint(pen, devicePixelRatio || 1);
  pen.restore();
}
