"use strict";
// One span of time for all charts: whatever moves it, moves every one of them.
(() => {
  const told = document.getElementById("chart-data"), stack = document.getElementById("charts");
  if (!told || !stack || !window.vegaEmbed) return;
  const data = JSON.parse(told.textContent), views = [], lines = [], least = 2;
  const cursor = stack.querySelector(".cursor"), brush = stack.querySelector(".brush"), shown = document.getElementById("span");
  let left = 0, right = data.end, width = 0;

  const clock = (at) => `${Math.floor(at / 60)}:${String(Math.floor(at % 60)).padStart(2, "0")}`;
  const figure = (value) => value === null || value === undefined ? "–"
    : value.toLocaleString("en", Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });

  function rows([name, start, step, values, colour, dash]) { // as Line.points in charts/line.py
    const found = [];
    let silent = 0;
    values.forEach((value, number) => {
      if (value === null) { silent += 1; return; }
      const at = start + number * step, row = { series: name, colour, dash };
      if (found.length && silent * step >= data.bridged) found.push({ at: at - step, value: null, ...row });
      found.push({ at, value, ...row });
      silent = 0;
    });
    return found;
  }

  function draw(key, spec, named) {
    const figure = stack.querySelector(`[data-chart="${key}"]`), all = { ...data.common, ...named };
    const filled = { ...spec, data: spec.data.map((one) => one.name in all ? { ...one, values: all[one.name].map((row) => ({ ...row })) } : one) };
    const options = { mode: "vega", renderer: "svg", actions: false, defaultStyle: false, tooltip: false, logLevel: 1 };
    return vegaEmbed(figure.querySelector(".live"), filled, options).then((made) => views.push(made.view));
  }

  function ticks() { // as ticks in charts/clockwork.py
    const most = Math.max(2, Math.floor(width / 70)), step = data.steps.find((one) => (right - left) / one <= most) || data.steps.at(-1);
    const found = [];
    for (let at = Math.ceil(left / step) * step; at <= right; at += step) found.push(at);
    return found;
  }

  function update() {
    width = Math.max(120, stack.clientWidth - data.axis - data.pad);
    const marked = ticks();
    for (const view of views) view.signal("left", left).signal("right", right).signal("ticks", marked).width(width).runAsync();
    shown.textContent = `${clock(left)} to ${clock(right)} of ${clock(data.end)}`;
    stack.dataset.from = left.toFixed(2);
    stack.dataset.to = right.toFixed(2);
    for (const button of document.querySelectorAll("[data-span]")) {
      const [from, to] = span(button);
      button.setAttribute("aria-pressed", Math.abs(from - left) < 0.1 && Math.abs(to - right) < 0.1);
    }
  }

  function show(from, to) {
    const long = Math.min(data.end, Math.max(least, to - from));
    left = Math.min(Math.max(0, from), data.end - long);
    right = left + long;
    update();
  }

  function span(button) {
    if (button.dataset.span === "all") return [0, data.end];
    const [from, to] = button.dataset.span.split(",").map(Number);
    return [Math.max(0, from), Math.min(data.end, to)];
  }

  const zoom = (factor, middle = (left + right) / 2) => show(middle - (middle - left) * factor, middle + (right - middle) * factor);
  const move = (share) => show(left + share * (right - left), right + share * (right - left));
  const moves = { in: () => zoom(0.5), out: () => zoom(2), back: () => move(-0.25), on: () => move(0.25), all: () => show(0, data.end) };
  const keys = { ArrowLeft: "back", ArrowRight: "on", "+": "in", "=": "in", "-": "out", 0: "all", Escape: "all" };

  const place = (event) => Math.min(width, Math.max(0, event.clientX - stack.getBoundingClientRect().left - data.axis));
  const time = (x) => left + (x / width) * (right - left);

  function point(x) {
    const at = time(x);
    cursor.style.display = "block";
    cursor.style.left = `${x + data.axis}px`;
    cursor.firstElementChild.textContent = clock(at);
    for (const [output, [, start, step, values]] of lines) output.textContent = figure(values[Math.round((at - start) / step)]);
  }

  let from = null;
  stack.addEventListener("pointerdown", (event) => { if (event.button === 0 && event.target.closest(".live")) from = place(event); });
  stack.addEventListener("pointermove", (event) => {
    const x = place(event);
    point(x);
    if (from === null || Math.abs(x - from) < 5) return;
    if (!stack.hasPointerCapture(event.pointerId)) stack.setPointerCapture(event.pointerId);
    Object.assign(brush.style, { display: "block", left: `${Math.min(x, from) + data.axis}px`, width: `${Math.abs(x - from)}px` });
  });
  stack.addEventListener("pointerup", (event) => {
    const x = place(event), began = from;
    from = null;
    brush.style.display = "none";
    if (began !== null && Math.abs(x - began) >= 5) show(time(Math.min(x, began)), time(Math.max(x, began)));
  });
  stack.addEventListener("pointercancel", () => { from = null; brush.style.display = "none"; });
  stack.addEventListener("pointerleave", () => {
    cursor.style.display = "none";
    for (const [output] of lines) output.textContent = "";
  });
  stack.addEventListener("dblclick", () => moves.all());
  stack.addEventListener("keydown", (event) => {
    if (event.target !== stack || !(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    moves[keys[event.key]]();
  });
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => moves[button.dataset.zoom]());
  for (const button of document.querySelectorAll("[data-span]")) button.addEventListener("click", () => show(...span(button)));
  for (const cell of document.querySelectorAll("[data-at]")) {
    const button = document.createElement("button"), at = Number(cell.dataset.at);
    button.className = "jump";
    button.textContent = cell.textContent;
    button.title = "show it in the charts";
    button.addEventListener("click", () => { show(at - 15, at + 15); stack.scrollIntoView({ block: "start" }); });
    cell.replaceChildren(button);
  }

  const drawn = data.specs.lanes ? [draw("lanes", data.specs.lanes, data.lanes)] : [];
  for (const panel of data.panels) {
    drawn.push(draw(panel.key, data.specs.lines, { lines: panel.lines.flatMap(rows), across: panel.across }));
    const outputs = stack.querySelectorAll(`[data-chart="${panel.key}"] .keys output`);
    panel.lines.forEach((line, number) => lines.push([outputs[number], line]));
  }
  Promise.all(drawn).then(() => { // until then, and where it fails, the still pictures stand
    document.body.classList.add("drawn");
    update();
    new ResizeObserver(update).observe(stack);
  });
})();
