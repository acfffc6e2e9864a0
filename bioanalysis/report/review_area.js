/* The arithmetic of the page: traces as they were read, areas as the workflow takes them, decisions as the study reads
   them. Every step and its order are those of within_boundaries (bioanalysis/chromatography/integration.py) and of
   NumPy's sums, so that areas agree to the last bit. */
"use strict";
const reviewArea = (() => {
  /* NumPy adds up rows in eight strands, and halves what is longer than 128. */
  function sum(values, start = 0, count = values.length) {
    if (count > 128) {
      const half = Math.floor(count / 2), cut = half - half % 8;
      return sum(values, start, cut) + sum(values, start + cut, count - cut);
    }
    let whole = 0, done = 0;
    if (count >= 8) {
      const strand = values.slice(start, start + 8);
      for (done = 8; done < count - count % 8; done += 8)
        for (let k = 0; k < 8; k++) strand[k] += values[start + done + k];
      whole = ((strand[0] + strand[1]) + (strand[2] + strand[3])) + ((strand[4] + strand[5]) + (strand[6] + strand[7]));
    }
    for (; done < count; done++) whole += values[start + done];
    return whole;
  }

  /* Weights (s) whose sum of products with the signal is its trapezoid area between two times. */
  function trapezoidWeights(timeS, leftS, rightS) {
    const weights = new Float64Array(timeS.length);
    for (let i = 0; i + 1 < timeS.length; i++) {
      const start = timeS[i], stop = timeS[i + 1], gap = stop - start;
      const low = Math.max(start, leftS), high = Math.min(stop, rightS), length = Math.max(high - low, 0);
      const towardStop = length * ((low + high) / 2 - start) / (gap > 0 ? gap : 1);
      weights[i] += length - towardStop;
      weights[i + 1] += towardStop;
    }
    return weights;
  }

  /* The signal on the straight line between points; at and beyond the last time, the last point before the padding. */
  function valueAt(timeS, signal, atS) {
    const within = Math.min(atS, timeS[timeS.length - 1]);
    let before = 0;
    for (const time of timeS) before += time < within ? 1 : 0;
    const right = Math.min(Math.max(before, 1), timeS.length - 1);
    const from = timeS[right - 1], to = timeS[right], low = signal[right - 1], high = signal[right];
    const share = Math.min(Math.max((atS - from) / (to > from ? to - from : 1), 0), 1);
    return share < 1 || to <= from ? low + share * (high - low) : high;
  }

  /* A trace brought to the length of the longest of its transition, in s. */
  function padded(trace, points) {
    const length = trace.time.length;
    const timeS = new Float64Array(points).fill(60 * trace.time[length - 1]), signal = new Float64Array(points);
    for (let i = 0; i < length; i++) timeS[i] = 60 * trace.time[i];
    signal.set(trace.intensity);
    return { timeS, signal, length };
  }

  /* Area (counts x s), its standard error, background and height (counts) between two boundaries (min). */
  function between(trace, leftMin, rightMin, { points, quantum, noiseSd, noPeak }) {
    const { timeS, signal, length } = padded(trace, points);
    const leftS = 60 * leftMin, rightS = 60 * rightMin;
    const weights = trapezoidWeights(timeS, leftS, rightS);
    const background = Math.min(valueAt(timeS, signal, leftS), valueAt(timeS, signal, rightS));
    const parts = new Float64Array(points), variances = new Float64Array(points);
    let height = 0;
    for (let i = 0; i < points; i++) {
      const above = i < length ? signal[i] - background : 0;
      parts[i] = weights[i] * above;
      variances[i] = weights[i] * weights[i] * (noiseSd * noiseSd + quantum * Math.max(above, 0));
      if (i < length && timeS[i] >= leftS && timeS[i] <= rightS) height = Math.max(height, above);
    }
    const ofLine = noiseSd * (rightS - leftS), area = sum(parts), areaSe = Math.sqrt(sum(variances) + ofLine * ofLine);
    return { area, areaSe, background, height, present: !((area > 0 ? area / areaSe : 0) < noPeak) };
  }

  /* Boundaries (min) of which one (side 0: left) is moved to 0.0001 min within the trace, and never over the other. */
  function moved(time, bounds, side, value) {
    const at = (steps) => Number((steps * 1e-4).toFixed(4)), within = (steps, low, high) => Math.min(Math.max(steps, low), high);
    let first = Math.floor(time[0] * 1e4), last = Math.ceil(time[time.length - 1] * 1e4);
    while (at(first) < time[0]) first++;
    while (at(last) > time[time.length - 1]) last--;
    const other = within(Math.round(bounds[1 - side] * 1e4), first + 1 - side, last - side);
    const own = within(Math.round(value * 1e4), side ? other + 1 : first, side ? last : other - 1);
    return side ? [at(other), at(own)] : [at(own), at(other)];
  }

  /* float64 from eight planes of bytes, deflated, in base64. */
  async function inflated(text) {
    const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer());
    const count = planes.length / 8, view = new DataView(new ArrayBuffer(planes.length));
    for (let plane = 0; plane < 8; plane++)
      for (let i = 0; i < count; i++) view.setUint8(8 * i + plane, planes[plane * count + i]);
    return Float64Array.from({ length: count }, (_, i) => view.getFloat64(8 * i, true));
  }

  /* All traces of the run: {time (min), intensity (counts)} each. */
  async function traces(packed) {
    const [time, intensity] = await Promise.all([inflated(packed.time), inflated(packed.intensity)]);
    let start = 0;
    const times = packed.points.map((points) => time.subarray(start, start += points));
    start = 0;
    return packed.which.map((number) => {
      const own = times[number];
      return { time: own, intensity: intensity.subarray(start, start += own.length) };
    });
  }

  /* One cell of a tab-separated table: no tab or line break in it, quote marks doubled. */
  function cell(value) {
    const line = String(value ?? "").replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
    return line.includes('"') ? `"${line.replaceAll('"', '""')}"` : line;
  }

  /* A decision_id that nobody has. */
  function freshId(runId, at, taken) {
    const stem = `${runId}-${at.toISOString().replace(/\D/g, "")}`;
    for (let n = 1; ; n++) if (!taken.has(`${stem}-${n}`)) return `${stem}-${n}`;
  }

  /* decisions.tsv of these rows. */
  function table(columns, rows) {
    return [columns, ...rows.map((row) => columns.map((name) => row[name]))]
      .map((cells) => cells.map(cell).join("\t") + "\n").join("");
  }

  return { sum, valueAt, between, moved, traces, cell, freshId, table };
})();
