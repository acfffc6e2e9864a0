/* Responses and concentrations of the page: every step is that of CalibrationCurve.back_calculate
   (bioanalysis/calibration), to the last bit for lines and parabolas. */
"use strict";
const reviewCurve = (() => {
  const inverse = {
    linear: (response, [intercept, slope]) => (response - intercept) / slope,
    /* The branch on which the standards lie. */
    quadratic: (response, [c0, c1, c2], [low, high]) => {
      const rising = Math.sign(c1 + 2 * c2 * ((low + high) / 2));
      const root = rising * Math.sqrt(c1 * c1 - 4 * c2 * (c0 - response));
      return Math.sign(root) * Math.sign(c1) >= 0 ? 2 * (response - c0) / (c1 + root) : (root - c1) / (2 * c2);
    },
    "5pl": (response, [zero, slope, midpoint, infinite, asymmetry = 1]) => {
      const gone = (response - zero) / (infinite - zero);
      if (!(gone > 0 && gone < 1)) return NaN;
      return midpoint * Math.exp(Math.log(Math.expm1(-Math.log1p(-gone) / asymmetry)) / slope);
    },
  };
  inverse["4pl"] = inverse["5pl"];

  /* Concentration on the curve (ng/mL); NaN where the curve has none. */
  function concentration(curve, response) {
    return curve && Number.isFinite(response) ? inverse[curve.model](response, curve.parameters, curve.standards) : NaN;
  }

  /* Response, reading and homogenate concentration of one analyte from its areas (null: no peak). */
  function read(analyte, injection, areaOf) {
    const area = areaOf(analyte.quantifier), divisor = analyte.standard === null ? 1 : areaOf(analyte.standard);
    const response = area === null || !(divisor > 0) ? NaN : area / divisor, reading = concentration(analyte.curve, response);
    return { response, reading, homogenate: reading * analyte.dilutions[injection] };
  }

  /* Where a reading lies, or why there is none. */
  function place(analyte, injection, { response, reading }) {
    if (analyte.without[injection]) return analyte.without[injection];
    if (!Number.isFinite(response)) return "no response";
    if (!analyte.curve) return "the run has no usable curve";
    if (!Number.isFinite(reading)) return "beyond the curve";
    const [low, high] = analyte.range;
    return reading < low ? `below ${low}` : reading > high ? `above ${high}` : "inside the range of the curve";
  }

  function number(value, name) {
    const cell = reviewDraw.element("td"), shown = Number.isFinite(value);
    const data = reviewDraw.element("data", shown ? reviewDraw.counted(value) : "");
    data.value = data.title = shown ? String(value) : "";
    data.dataset.name = name;
    cell.append(data);
    return cell;
  }

  /* A row of the table of readings. */
  function row(words, analyte, injection, areaOf, kind) {
    const made = reviewDraw.element("tr", "", `review-read-${kind}`), head = reviewDraw.element("th", `${analyte.name}, ${words}`);
    const found = read(analyte, injection, areaOf), excluded = Boolean(analyte.without[injection]);
    head.scope = "row";
    made.append(head, ...["response", "reading", "homogenate"].map((name) => number(excluded ? NaN : found[name], name)),
      reviewDraw.element("td", place(analyte, injection, found)));
    return made;
  }

  /* Rows of every analyte that a transition (its place) is quantifier or internal standard of, before and after. */
  function rows(analytes, place, injection, stands, drawn) {
    return analytes.filter((one) => [one.quantifier, one.standard].includes(place)).flatMap((one) => {
      const changes = [one.quantifier, one.standard].some((at) => at !== null && drawn(at) !== stands(at));
      return [row("in the study", one, injection, stands, "now"),
        ...(changes ? [row("with what is drawn here", one, injection, drawn, "drawn")] : [])];
    });
  }

  return { concentration, rows };
})();
