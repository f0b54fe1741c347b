// Stated against observed: where "one in N" is true the points lie on the line.
function drawCalibration() {
  const { packets, steps, said } = data.calibration;
  const points = said.map((count, at) => [10 ** (-at / steps), count / Math.max(1, packets), count]).filter(([stated, , count]) => count > 0 && stated * packets >= 1);
  const text = byId("calibration-text");
  if (packets < 1000 || points.length < 2) {
    text.textContent = `Only ${whole(packets)} packets came after the warm-up of ${whole(data.about.warm_up)}: too few to say.`;
    byId("calibration").hidden = true;
    return;
  }
  const [stated, observed] = [points.map(([it]) => it).reverse(), points.map(([, it]) => it).reverse()];
  const near = points.reduce((best, it) => (Math.abs(Math.log10(it[0] / data.about.false_alarms)) < Math.abs(Math.log10(best[0] / data.about.false_alarms)) ? it : best));
  text.textContent = `Of ${whole(packets)} packets after the warm-up ${whole(near[0] * packets)} should be as rare as one in ${rough(1 / near[0])}, and ${whole(near[2])} ${near[2] === 1 ? "was" : "were"} said to be. What is above the line was said too often: an attack, or a site that changes.`;
  const least = Math.min(stated[0], observed[0]) / 2;
  const power = (_, at) => at.map((it) => (it > 0.99 ? "all" : `1 in ${whole(1 / it)}`));
  draw("calibration", {
    height: 260,
    cursor: { drag: { x: false, y: false }, points: { show: false } },
    scales: { x: { time: false, distr: 3, range: [least, 1] }, y: { distr: 3, range: [least, 1] } },
    axes: [axis({ label: "stated", splits: powers, values: power, size: 34 }), axis({ label: "observed", splits: powers, values: power, size: 96 })],
    series: [{}, { stroke: colour("band"), width: 2, points: { show: true, size: 6, fill: colour("panel") } }],
    hooks: { drawClear: [(chart) => clipped(chart, (pen, ratio) => {
      const line = (factor) => {
        const y = (x) => chart.valToPos(Math.max(least, x * factor), "y", true);
        return [[chart.valToPos(least, "x", true), y(least)], [chart.valToPos(1, "x", true), chart.valToPos(factor, "y", true)]];
      };
      const [[left, low], [right, high]] = line(0.5);
      const [[, low2], [, high2]] = line(2);
      pen.fillStyle = faded("quiet", 12);
      pen.beginPath(); pen.moveTo(left, low); pen.lineTo(right, high); pen.lineTo(right, high2); pen.lineTo(left, low2); pen.fill();
      const [[, from], [, to]] = line(1);
      pen.strokeStyle = colour("quiet");
      pen.lineWidth = ratio;
      pen.setLineDash([4 * ratio, 4 * ratio]);
      pen.beginPath(); pen.moveTo(left, from); pen.lineTo(right, to); pen.stroke();
    })] },
  }, [stated, observed]);
  legend("calibration-legend", [["observed", looks.line("band")], ["what was stated, within a factor of two", looks.band("quiet")]]);
}
