/* Walking through the peaks of a run, boundaries, decisions. Names only ever become text. */
"use strict";
(() => {
  const { element, minutes } = reviewDraw;
  const run = JSON.parse(document.getElementById("review-data").textContent);
  const root = document.getElementById("chromatograms");
  const find = (name) => root.querySelector(`.review-${name}`);
  const grid = find("grid"), plotBox = find("plot"), form = find("form");
  const width = run.transitions.length;
  const state = { traces: null, shown: [], chosen: null, plot: null, bounds: null, magnified: 1, drafts: [], saved: true };

  /* --- what is known of each peak --- */
  const peaks = run.injections.flatMap((injection, i) => run.transitions.map((transition, k) => {
    const number = i * width + k;
    const column = (name) => run.peaks[name][number];
    return {
      number, injection, transition, flags: column("flags"), manual: column("manual"), left: column("left_min"),
      right: column("right_min"), area: column("area"), automatic: column("automatic_area"),
      areaSe: column("area_se"), estimate: column("estimate"), noiseSd: column("noise_sd"),
      open: column("flags").filter((flag) => flag.state === "open"),
    };
  }));

  function eyes(peak) {
    if (peak.open.length) return 0;
    if (peak.manual) return 1;
    return peak.flags.length ? 2 : 3;
  }

  const orders = {
    eyes: (a, b) => eyes(a) - eyes(b) || b.open.length - a.open.length || a.number - b.number,
    injection: (a, b) => a.number - b.number,
    transition: (a, b) => a.number % width - b.number % width || a.number - b.number,
  };
  const shows = {
    all: () => true,
    open: (peak) => peak.open.length > 0,
    manual: (peak) => peak.manual,
    drafted: (peak) => draftsOf(peak).length > 0,
  };
  const draftsOf = (peak) => state.drafts.filter((draft) => draft.peak === peak);
  const named = (peak) => {
    const { position, sample_id, level, sample_type, tissue } = peak.injection;
    return `${position} ${[sample_id || level || sample_type, tissue].filter(Boolean).join(", ")}`;
  };

  function drawnBounds(peak) {
    const draft = draftsOf(peak).find((one) => one.row.action === "integrate");
    return draft ? [Number(draft.row.left_min), Number(draft.row.right_min)] : [peak.left, peak.right];
  }

  function integrated(peak, [left, right]) {
    const { points, quantum } = peak.transition;
    return reviewArea.between(state.traces[peak.number], left, right,
      { points, quantum, noiseSd: peak.noiseSd, noPeak: run.no_peak });
  }

  /* --- small multiples, drawn when they come into view --- */
  const cards = new Map();
  const seen = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (entry.isIntersecting) draw(peaks[entry.target.dataset.number]);
  }), { rootMargin: "200px" });

  function card(peak) {
    if (cards.has(peak)) return cards.get(peak);
    const made = element("div", "", "review-card");
    made.setAttribute("role", "option");
    made.tabIndex = -1;
    made.dataset.number = peak.number;
    const words = peak.flags.filter((flag) => flag.state !== "accepted").map((flag) => flag.word);
    if (peak.manual) words.push("by hand");
    const canvas = document.createElement("canvas");
    canvas.setAttribute("aria-hidden", "true");
    made.append(canvas, element("span", named(peak)), element("span", peak.transition.name),
      element("span", words.join("; "), eyes(peak) < 2 ? "review-words" : ""));
    made.title = `${named(peak)}, ${peak.transition.name}${words.length ? `: ${words.join("; ")}` : ""}`;
    made.addEventListener("click", () => choose(peak));
    seen.observe(made);
    cards.set(peak, made);
    return made;
  }

  const stretches = run.transitions.map((_, k) => reviewDraw.stretch(peaks.filter((peak) => peak.number % width === k)));

  function draw(peak) {
    const made = cards.get(peak);
    made.classList.toggle("review-drafted", draftsOf(peak).length > 0);
    made.dataset.drawn = "true";
    reviewDraw.small(made.firstChild, state.traces[peak.number], drawnBounds(peak), stretches[peak.number % width]);
  }

  const redraw = () => cards.forEach((made, peak) => { if (made.dataset.drawn) draw(peak); });
  function list() {
    const only = find("transition").value, show = shows[find("show").value];
    state.shown = peaks.filter((peak) => show(peak) && (!only || peak.transition.name === only));
    state.shown.sort(orders[find("order").value]);
    grid.replaceChildren(...state.shown.map(card));
    const open = peaks.filter((peak) => peak.open.length).length;
    find("count").textContent = `${state.shown.length} of ${peaks.length} peaks, ${open} with open flags`;
    if (!state.shown.includes(state.chosen)) choose(state.shown[0] ?? null, false);
    else mark();
  }

  /* --- the chosen peak, large --- */
  function mark() {
    for (const [peak, made] of cards) {
      made.setAttribute("aria-selected", peak === state.chosen);
      made.tabIndex = peak === state.chosen ? 0 : -1;
    }
  }

  function choose(peak, focus = true) {
    state.chosen = peak;
    state.magnified = 1;
    mark();
    find("zoom").hidden = !peak;
    if (!peak) return;
    const made = card(peak);
    if (focus) made.focus({ preventScroll: true });
    const above = made.offsetTop - grid.scrollTop;
    if (above < 0 || above + made.offsetHeight > grid.clientHeight) grid.scrollTop = made.offsetTop - grid.clientHeight / 3;
    find("title").textContent = `${named(peak)}, ${peak.transition.name}`;
    find("flags").replaceChildren(...peak.flags.map((flag) => element("li", `${flag.state}: ${flag.said}`, flag.state)));
    state.bounds = drawnBounds(peak);
    choices();
    if (state.traces) { zoom(); areas(); }
  }

  function nearby(peak) {
    const { time } = state.traces[peak.number], reach = 2 * (peak.right - peak.left);
    return { min: Math.max(time[0], peak.left - reach), max: Math.min(time[time.length - 1], peak.right + reach) };
  }

  /* From zero (or below) to the highest point in sight, or to a part of it where the baseline is looked at. */
  function range(plot, low, high) {
    return [Math.min(low ?? 0, 0), Math.max((high ?? 0) * 1.05, 1e-9) / state.magnified];
  }

  function zoom() {
    if (state.plot) state.plot.destroy();
    const hooks = { drawClear: [shade], draw: [place] };
    state.plot = reviewDraw.large(plotBox, state.traces[state.chosen.number], nearby(state.chosen), range, hooks);
    handles();
  }

  function shade(plot) {
    const peak = state.chosen, byHand = peak.manual || moved();
    const level = byHand ? integrated(peak, state.bounds).background : null;
    reviewDraw.shade(plot, state.traces[peak.number], state.bounds, level);
  }

  const moved = () => state.bounds[0] !== state.chosen.left || state.bounds[1] !== state.chosen.right;

  function handles() {
    ["left boundary", "right boundary"].forEach((name, side) => {
      const handle = element("div", "", "review-handle");
      handle.setAttribute("role", "slider");
      handle.tabIndex = 0;
      handle.dataset.side = side;
      handle.setAttribute("aria-label", `${name}, min`);
      handle.addEventListener("mousedown", (event) => event.stopPropagation());
      handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
      handle.addEventListener("pointermove", (event) => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        move(side, state.plot.posToVal(event.clientX - state.plot.over.getBoundingClientRect().left, "x"));
      });
      handle.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        event.stopPropagation();
        move(side, state.bounds[side] + step * (event.shiftKey ? 0.02 : 0.002));
      });
      state.plot.over.append(handle);
    });
    place(state.plot);
  }

  function place(plot) {
    const { time } = state.traces[state.chosen.number];
    plot.over.querySelectorAll(".review-handle").forEach((handle) => {
      const value = state.bounds[handle.dataset.side];
      handle.style.left = `${plot.valToPos(value, "x")}px`;
      handle.hidden = value < plot.scales.x.min || value > plot.scales.x.max;
      handle.setAttribute("aria-valuemin", minutes(time[0]));
      handle.setAttribute("aria-valuemax", minutes(time[time.length - 1]));
      handle.setAttribute("aria-valuenow", minutes(value));
    });
  }

  /* Boundaries are taken to 0.0001 min, as they will stand in decisions.tsv, and lie within the trace. */
  function move(side, value) {
    state.bounds = reviewArea.moved(state.traces[state.chosen.number].time, state.bounds, side, value);
    form.elements.action.value = "integrate";
    choices();
    areas();
    state.plot.redraw(false);
  }

  /* --- areas before and after --- */
  function areas() {
    const peak = state.chosen, rows = [];
    const automatic = { area: peak.automatic, present: peak.automatic !== null };
    if (peak.manual) rows.push(reviewDraw.areaRow("automatic", null, automatic, null));
    rows.push(reviewDraw.areaRow(peak.manual ? "by hand, in the study" : `automatic (${peak.estimate})`, [peak.left, peak.right],
      { area: peak.area, areaSe: peak.areaSe, present: peak.area !== null }, null, "now"));
    if (moved()) rows.push(reviewDraw.areaRow("as drawn here", state.bounds, integrated(peak, state.bounds), peak.area, "drawn"));
    find("areas").tBodies[0].replaceChildren(...rows);
    readings();
    remark();
  }

  /* The area of a transition of the chosen injection as it will be: drawn now, drafted, or as it stands. */
  function areaDrawn(place) {
    const peak = peaks[Math.floor(state.chosen.number / width) * width + place];
    const bounds = peak === state.chosen ? state.bounds : drawnBounds(peak);
    if (bounds[0] === peak.left && bounds[1] === peak.right) return peak.area;
    const found = integrated(peak, bounds);
    return found.present ? found.area : null;
  }

  function readings() {
    const injection = Math.floor(state.chosen.number / width), stands = (place) => peaks[injection * width + place].area;
    const rows = reviewCurve.rows(run.analytes, state.chosen.number % width, injection, stands, areaDrawn);
    find("readings").hidden = !rows.length;
    find("readings").tBodies[0].replaceChildren(...rows);
  }

  /* What a reader of the areas must know, and what a decision reaches beyond this peak. */
  function remark() {
    const peak = state.chosen, words = [];
    if (moved() && !integrated(peak, state.bounds).present)
      words.push(`No peak: the area is less than ${run.no_peak} of its standard errors, and the workflow will give none.`);
    else if (moved()) words.push("The workflow gives exactly this area once the decision stands in the study.");
    if (moved() && ["calibrator", "anchor"].includes(peak.injection.sample_type))
      words.push("The curve is fitted to this injection too: the workflow fits it again, and readings move with it.");
    if (moved() || peak.manual) words.push("By hand counts what lies above the level of the lower edge.");
    if (!peak.manual) words.push("Automatic is what lies above the line through the points outside the peak (drop),",
      "or the fit of the run's own peak shape (template).");
    if (form.elements.action.value === "accept_flag" && peak.open.length) words.push(`Accepts ${accepted(peak)}.`);
    find("note").textContent = words.join(" ");
  }

  /* A decision names injection and analyte, so it accepts the flags of all peaks of both. */
  function accepted(peak) {
    const analytes = targets("accept_flag", peak);
    const reached = peaks.filter((other) => other.injection === peak.injection).flatMap((other) => other.open)
      .filter((flag) => analytes.includes(flag.analyte) || analytes.includes(""));
    const words = [...new Set(reached.map((flag) => flag.word))].join(", ");
    const which = analytes.every(Boolean) ? ` for ${analytes.join(", ")}` : "";
    return `all open flags of injection ${peak.injection.position}${which}: ${words}`;
  }

  /* --- decisions --- */
  function choices() {
    const action = form.elements.action.value, peak = state.chosen, codes = form.elements.reason_code;
    if (codes.dataset.action !== action) {
      codes.replaceChildren(...run.codes[action].map((code) => element("option", code)));
      codes.dataset.action = action;
    }
    form.querySelector(".review-scope").hidden = action !== "exclude";
    const possible = { integrate: moved() && peak.transition.decided_as, exclude: true, accept_flag: peak.open.length };
    const nothing = !possible[action];
    form.querySelector("button").disabled = nothing;
    form.querySelector("button").title = nothing
      ? { integrate: "move a boundary first", accept_flag: "no open flag here" }[action] : "";
  }

  function targets(action, peak) {
    if (action === "integrate") return [peak.transition.decided_as];
    if (action === "exclude") return [form.elements.scope.value === "injection" ? "" : peak.transition.substance];
    return [...new Set(peak.open.map((flag) => flag.analyte))];
  }

  function take(event) {
    event.preventDefault();
    const peak = state.chosen, { action, reason_code, reason, author } = form.elements, at = new Date();
    if (![reason, author].every((field) => reviewArea.cell(field.value))) return;
    if (action.value === "integrate")
      state.drafts = state.drafts.filter((draft) => draft.peak !== peak || draft.row.action !== "integrate");
    const taken = new Set([...run.decisions, ...state.drafts.map((draft) => draft.row)].map((row) => row.decision_id));
    for (const analyte of targets(action.value, peak)) {
      const row = { decision_id: reviewArea.freshId(run.run_id, at, taken), action: action.value, run_id: run.run_id, position: peak.injection.position,
        analyte, reason_code: reason_code.value, reason: reason.value, author: author.value,
        decided_at: `${at.toISOString().slice(0, 19)}Z` };
      if (action.value === "integrate") [row.left_min, row.right_min] = state.bounds.map(String);
      taken.add(row.decision_id);
      state.drafts.push({ peak, row });
    }
    reason.value = "";
    changed(peak);
  }

  function changed(peak) {
    state.saved = !state.drafts.length;
    find("save").disabled = !state.drafts.length;
    find("none").hidden = state.drafts.length > 0;
    find("drafts").hidden = !state.drafts.length;
    find("drafts").tBodies[0].replaceChildren(...state.drafts.map(draftRow));
    draw(peak);
    if (find("show").value === "drafted") list();
  }

  function draftRow(draft) {
    const { row, peak } = draft, made = element("tr"), last = element("td"), button = element("button", "take back");
    const bounds = row.left_min ? `${row.left_min} to ${row.right_min}` : "";
    button.type = "button";
    button.addEventListener("click", () => {
      state.drafts = state.drafts.filter((other) => other !== draft);
      changed(peak);
      if (state.chosen === peak) choose(peak, false);
    });
    last.append(button);
    made.append(...[row.decision_id, row.action.replace("_", " "), row.position, row.analyte, bounds, row.reason_code, row.reason, row.author]
      .map((text) => element("td", text)), last);
    return made;
  }

  function save() {
    const text = reviewArea.table(run.columns, state.drafts.map((draft) => draft.row));
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" }));
    link.download = "decisions.tsv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    state.saved = true;
  }

  /* --- keyboard --- */
  const step = (by) => {
    const next = state.shown[state.shown.indexOf(state.chosen) + by];
    if (next) choose(next);
  };
  const rowLength = () => getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const keys = {
    j: () => step(1), k: () => step(-1),
    w: () => {
      const { time } = state.traces[state.chosen.number];
      state.plot.setScale("x", { min: time[0], max: time[time.length - 1] });
    },
    b: () => {
      const { min, max } = state.plot.scales.x;
      state.magnified = { 1: 10, 10: 100, 100: 1 }[state.magnified];
      state.plot.setScale("x", { min, max });
    },
    r: () => { state.bounds = [state.chosen.left, state.chosen.right]; choices(); areas(); zoom(); },
  };
  const inGrid = {
    ArrowRight: () => step(1), ArrowLeft: () => step(-1), ArrowDown: () => step(rowLength()), ArrowUp: () => step(-rowLength()),
    Home: () => choose(state.shown[0]), End: () => choose(state.shown.at(-1)),
    Enter: () => plotBox.querySelector(".review-handle")?.focus(),
  };

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const act = keys[event.key.toLowerCase()] ?? (grid.contains(event.target) ? inGrid[event.key] : null);
    if (!act || !state.chosen || !state.plot) return;
    event.preventDefault();
    act();
  }

  /* --- beginning --- */
  async function begin() {
    find("transition").append(...run.transitions.map((transition) => element("option", transition.name)));
    for (const name of ["order", "show", "transition"]) find(name).addEventListener("change", list);
    root.addEventListener("keydown", pressed);
    root.querySelectorAll("[data-key]").forEach((button) => button.addEventListener("click", () => keys[button.dataset.key]()));
    form.elements.action.addEventListener("change", () => { choices(); remark(); });
    form.addEventListener("submit", take);
    find("save").addEventListener("click", save);
    window.addEventListener("beforeunload", (event) => { if (!state.saved) event.preventDefault(); });
    window.addEventListener("beforeprint", () => cards.forEach((_, peak) => draw(peak)));
    window.addEventListener("hashchange", named_in_address);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { redraw(); if (state.plot) zoom(); });
    new ResizeObserver(() => state.plot?.setSize({ width: plotBox.clientWidth, height: 300 })).observe(plotBox);
    try {
      state.traces = await reviewArea.traces(run.traces);
    } catch (error) {
      find("note").textContent = `The traces cannot be unpacked by this browser (${error.message}): a newer one is needed.`;
      return;
    }
    list();
    named_in_address();
    root.dataset.ready = "true";
  }

  /* #chromatogram-12 or #chromatogram-12-name of the transition: that peak. */
  function named_in_address() {
    const wanted = decodeURIComponent(location.hash.slice(1));
    const peak = peaks.find((one) => [one.injection.position, `${one.injection.position}-${one.transition.name}`]
      .some((name) => wanted === `chromatogram-${name}`));
    if (!peak) return;
    if (!state.shown.includes(peak)) { find("show").value = "all"; find("transition").value = ""; list(); }
    choose(peak);
    root.scrollIntoView();
  }

  (window.requestIdleCallback ?? ((act) => setTimeout(act, 0)))(begin, { timeout: 500 });
})();
