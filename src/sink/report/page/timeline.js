// The timeline: how rare the rarest packet of each moment was, what stood out, what was due and did not come.
const shown = { from: null, to: null };
const onNarrow = [];

function timelineColumns() {
  const { start, width, rarest, bits } = data.timeline;
  const times = rarest.map((_, at) => start + (at + 0.5) * width);
  // One in 1 is 10 to the 0: a bin without packets has no rarity at all.
  return [times, rarest.map((power, at) => (data.timeline.packets[at] ? 10 ** power : null)), bits.map((it, at) => (data.timeline.packets[at] ? it : null))];
}

/** How moments of a capture of this length are told: since its beginning, by the clock, or by the day. */
function clockOf(start, seconds) {
  const iso = (at) => new Date(Math.round(at * 1e3)).toISOString();
  const told = (tell) => (_, at) => at.map(tell);
  if (seconds < 10) return { label: `since ${iso(start).replace("T", " ").slice(0, 23)} UTC`, values: told((at) => span(Number((at - start).toFixed(6)))) };
  if (seconds < 3 * 86400) return { label: `UTC, ${iso(start).slice(0, 10)}`, values: told((at) => iso(at).slice(11, at % 60 === 0 ? 16 : 19)) };
  return { label: "UTC", values: told((at) => (at % 86400 === 0 ? iso(at).slice(0, 10) : iso(at).slice(5, 16).replace("T", " "))) };
}

function drawTimeline() {
  const { start, width, synthetic } = data.timeline;
  const columns = timelineColumns();
  const whole_ = [start, start + Math.max(1, data.timeline.packets.length) * width];
  const top = Math.max(1000, ...columns[1].filter((it) => it !== null)) * 2;
  const odd = data.anomalies.rows, alarms = data.alarms.rows;
  const most = Math.max(1, ...synthetic);
  const seconds = whole_[1] - whole_[0];
  const clock = clockOf(whole_[0], seconds);
  draw("timeline", {
    height: 230,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), "Etc/UTC"),
    cursor: { drag: { x: true, y: false, setScale: true }, points: { show: false } },
    scales: { x: { time: true, min: whole_[0], max: whole_[1] }, y: { distr: 3, range: [1, top] }, bits: { range: (_, __, max) => [0, Math.max(1, max || 1) * 3] } },
    axes: [
      axis({ label: clock.label, values: clock.values, space: 90, size: 30 }),
      axis({ label: "one packet in …", size: 66, splits: powers, values: (_, at) => at.map(whole) }),
      axis({ scale: "bits", side: 1, label: "mean bits", grid: { show: false }, size: 46 }),
    ],
    series: [
      {},
      { stroke: colour("band"), width: 1.5, fill: faded("band", 22), points: { show: false }, paths: uPlot.paths.stepped({ align: 0 }), spanGaps: false },
      { scale: "bits", stroke: faded("quiet", 70), width: 1, dash: [3, 3], points: { show: false } },
    ],
    hooks: {
      draw: [(chart) => clipped(chart, (pen, ratio) => {
        const { top, height } = chart.bbox;
        pen.strokeStyle = colour("alarm");
        pen.lineWidth = 1.5 * ratio;
        for (const alarm of alarms) {
          const x = Math.round(chart.valToPos(alarm.time, "x", true));
          pen.beginPath(); pen.moveTo(x, top); pen.lineTo(x, top + height); pen.stroke();
          pen.fillStyle = colour("alarm");
          pen.beginPath(); pen.moveTo(x - 5 * ratio, top); pen.lineTo(x + 5 * ratio, top); pen.lineTo(x, top + 8 * ratio); pen.fill();
        }
        pen.fillStyle = faded("ghost", 85);
        const step = Math.max(1.5 * ratio, (width / (chart.scales.x.max - chart.scales.x.min)) * chart.bbox.width);
        synthetic.forEach((count, at) => {
          if (!count) return;
          const tall = (4 + 18 * (count / most)) * ratio;
          pen.fillRect(chart.valToPos(start + at * width, "x", true), top + height - tall, Math.max(step - 1, 1), tall);
        });
        pen.fillStyle = colour("odd");
        for (const row of odd) diamond(pen, chart.valToPos(row.time, "x", true), chart.valToPos(row.one_in, "y", true), 4.5 * ratio);
      })],
      setScale: [(chart, key) => {
        if (key !== "x") return;
        const { min, max } = chart.scales.x;
        const all = min <= whole_[0] && max >= whole_[1];
        [shown.from, shown.to] = all ? [null, null] : [min, max];
        byId("unzoom").hidden = all;
        onNarrow.forEach((run) => run());
      }],
    },
  }, columns);
  byId("unzoom").onclick = () => charts.get("timeline").setScale("x", { min: whole_[0], max: whole_[1] });
  legend("timeline-legend", [
    ["rarest packet", looks.area("band")], ["mean surprise in bits (right)", looks.line("quiet")],
    ["anomaly", looks.diamond("odd")], ["alarm on a connection or endpoint", looks.line("alarm")],
    ["synthetic packets: due, and not there", looks.band("ghost")],
  ]);
}
