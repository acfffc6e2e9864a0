/* How the review draws: text, colours, small and large chromatograms. Names only ever become text. */
"use strict";
const reviewDraw = (() => {
  const root = document.getElementById("chromatograms");

  function element(tag, text = "", kind = "") {
    const made = document.createElement(tag);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }

  /* A colour of the style sheet, as light or dark has it; a canvas knows no variables. */
  function color(name) {
    root.style.setProperty("caret-color", `var(--review-${name})`);
    return getComputedStyle(root).caretColor;
  }

  const counted = (value) =>
    Number(value.toPrecision(6)).toLocaleString("en", { maximumSignificantDigits: 6, useGrouping: false });
  const minutes = (value) => value.toFixed(4);

  /* One stretch of time for all peaks of a transition, so that they can be compared. */
  function stretch(peaks) {
    const own = peaks.filter((peak) => peak.left !== null), lefts = own.map((peak) => peak.left);
    const rights = own.map((peak) => peak.right), widths = own.map((peak) => peak.right - peak.left).sort((a, b) => a - b);
    const usual = widths[Math.floor(widths.length / 2)] || 0;
    return [Math.min(...lefts) - 2 * usual, Math.max(...rights) + 2 * usual];
  }

  function inside({ time, intensity }, [left, right], x, y, floor) {
    const path = new Path2D();
    path.moveTo(x(left), floor);
    time.forEach((at, i) => { if (at >= left && at <= right) path.lineTo(x(at), y(intensity[i])); });
    path.lineTo(x(right), floor);
    return path;
  }

  /* One trace over a stretch of time (min), as high as what stands between and beside its boundaries. */
  function small(canvas, trace, [left, right], stretch) {
    const ratio = window.devicePixelRatio || 1, wide = canvas.clientWidth || 150, high = canvas.clientHeight || 62;
    const { time, intensity } = trace, pen = canvas.getContext("2d"), beside = (right - left) / 2, outline = new Path2D();
    canvas.width = wide * ratio;
    canvas.height = high * ratio;
    if (!time.length) return;
    pen.scale(ratio, ratio);
    const from = Math.max(stretch[0], time[0]), to = Math.min(stretch[1], time[time.length - 1]);
    let top = 0;
    time.forEach((at, i) => { if (at >= left - beside && at <= right + beside) top = Math.max(top, intensity[i]); });
    const x = (at) => (at - from) / (to - from || 1) * wide, y = (value) => high - 1 - value / (top || 1) * (high - 4);
    time.forEach((at, i) => outline.lineTo(x(at), y(intensity[i])));
    pen.fillStyle = color("area");
    pen.fill(inside(trace, [left, right], x, y, high));
    pen.strokeStyle = color("bound");
    pen.stroke(new Path2D(`M${x(left)} 0V${high}M${x(right)} 0V${high}`));
    pen.strokeStyle = color("trace");
    pen.stroke(outline);
  }

  /* One trace, to be zoomed; `hooks` and the range of counts are the caller's. */
  function large(box, { time, intensity }, stretch, range, hooks) {
    const lines = { stroke: color("line"), width: 0.3 }, axis = { stroke: color("trace"), grid: lines, ticks: lines };
    const points = { show: time.length < 2000, size: 4, fill: color("trace") };
    const plot = new uPlot({
      width: box.clientWidth || 480, height: 300, legend: { show: false },
      cursor: { drag: { x: true, y: false }, points: { show: false } },
      scales: { x: { time: false, ...stretch }, y: { range } },
      axes: [{ ...axis, label: "min" }, { ...axis, label: "counts", size: 92 }],
      series: [{}, { stroke: color("trace"), width: 1.2, points }],
      hooks,
    }, [time, intensity], box);
    plot.setScale("x", stretch);
    return plot;
  }

  /* The signal between the boundaries, above a level (counts); null: down to the axis. */
  function shade(plot, trace, bounds, level) {
    const x = (at) => plot.valToPos(at, "x", true), y = (value) => plot.valToPos(value, "y", true);
    const { left, top, width, height } = plot.bbox, pen = plot.ctx;
    pen.save();
    pen.beginPath();
    pen.rect(left, top, width, height);
    pen.clip();
    pen.fillStyle = color("area");
    pen.globalAlpha = 0.5;
    pen.fill(inside(trace, bounds, x, y, level === null ? top + height : y(level)));
    pen.restore();
  }

  /* A row of the table of areas; the cell of the area holds all its digits. */
  function areaRow(name, bounds, { area, areaSe, present }, before, kind = "") {
    const row = element("tr"), value = element("td"), head = element("th", name);
    const data = element("data", present ? counted(area) : "no peak");
    head.scope = "row";
    data.value = data.title = present ? String(area) : "";
    if (kind) data.id = `review-area-${kind}`;
    value.append(data);
    row.append(head, ...[0, 1].map((side) => element("td", bounds ? minutes(bounds[side]) : "")), value,
      element("td", areaSe ? counted(areaSe) : ""),
      element("td", before && present ? `${(100 * (area / before - 1)).toFixed(2)} %` : ""));
    return row;
  }

  return { element, counted, minutes, stretch, small, large, shade, areaRow };
})();
