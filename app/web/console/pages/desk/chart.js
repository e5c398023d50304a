// A line through the minutes and marks where something happened, drawn by uPlot on a canvas.

import { isCurrency } from "../../../components/format.js";
import uPlot from "../../../vendor/uplot/uPlot.js";
import { LANGUAGE, measured, time } from "../../ui/format.js";
import { html, useEffect, useRef } from "../../ui/html.js";

const HEIGHT_PX = 240;
const TIMES_GAP_PX = 14;
// Before noon and after it.
const TIMES_TRIED = ["2026-01-01T10:08:00Z", "2026-01-01T22:08:00Z"];
const MARK_COLORS = { pin: "--chart-2", unpin: "--edge", offer: "--chart-3", transition: "--live", announcement: "--accent", goal: "--good" };

/** A custom property as a colour that a canvas takes: what light-dark() stands for now. */
function colorOf(element, name) {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  element.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

function short(unit) {
  const style = isCurrency(unit) ? { style: "currency", currency: unit, currencyDisplay: "narrowSymbol" } : {};
  const format = new Intl.NumberFormat(LANGUAGE, { ...style, notation: "compact", maximumFractionDigits: 1 });
  return (values) => values.map((value) => (value === null ? "" : format.format(value)));
}

/** How far apart times may stand below the line, in pixels: "10:05 PM" takes more than "22:05". */
function timeSpace(font, zone) {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.font = font;
  const widths = TIMES_TRIED.map((at) => canvas.measureText(time(at, "minute", zone)).width);
  return Math.ceil(Math.max(...widths)) + TIMES_GAP_PX;
}

/** Vertical lines at the marks, a triangle on top of each; `marksNow()` gives `{at (seconds), kind}`. */
function marks(marksNow, colors) {
  return (chart) => {
    const { ctx: canvas, bbox: box } = chart;
    canvas.save();
    canvas.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    canvas.lineWidth = devicePixelRatio;
    for (const mark of marksNow()) {
      const x = Math.round(chart.valToPos(mark.at, "x", true));
      if (x < box.left || x > box.left + box.width) continue;
      canvas.strokeStyle = canvas.fillStyle = colors[mark.kind] ?? colors.unpin;
      canvas.beginPath();
      canvas.moveTo(x, box.top);
      canvas.lineTo(x, box.top + box.height);
      canvas.stroke();
      const half = 5 * devicePixelRatio;
      canvas.beginPath();
      canvas.moveTo(x - half, box.top);
      canvas.lineTo(x + half, box.top);
      canvas.lineTo(x, box.top + 1.5 * half);
      canvas.fill();
    }
    canvas.restore();
  };
}

function optionsOf(element, { label, unit, zone, isWatched }, marksNow) {
  const color = (name) => colorOf(element, name);
  const [line, ground, muted, first, second] = ["--line", "--sunk", "--muted", "--chart-1", "--chart-2"].map(color);
  const colors = Object.fromEntries(Object.entries(MARK_COLORS).map(([kind, name]) => [kind, color(name)]));
  const font = "12px Inter, system-ui, sans-serif";
  const axis = { stroke: muted, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
  const times = (chart, splits) => splits.map((at) => time(new Date(at * 1000), "minute", zone));
  const bars = uPlot.paths.bars({ size: [0.65, 40], radius: 0.15 });
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zone),
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    scales: {
      // Half a minute of room, so that no bar is cut in half.
      x: { range: (chart, first, last) => [first - 40, last + 40] },
      y: { range: (chart, low, high) => [Math.min(0, low ?? 0), (high || 10) * 1.08] },
      viewers: { range: (chart, low, high) => [0, (high || 1) * 1.08] },
    },
    axes: [
      { ...axis, size: 32, gap: 8, space: timeSpace(font, zone), values: times, grid: { show: false } },
      { ...axis, scale: "y", size: 64, values: (chart, values) => short(unit)(values) },
      ...(isWatched ? [{ ...axis, scale: "viewers", side: 1, size: 48, grid: { show: false }, values: (chart, values) => short("")(values) }] : []),
    ],
    series: [
      { label: "Minute", value: (chart, at) => (at === null ? "–" : time(new Date(at * 1000), "minute", zone)) },
      { label, scale: "y", stroke: first, fill: first, width: 0, paths: bars, points: { show: false }, value: (chart, value) => measured(value, unit) },
      ...(isWatched
        ? [{ label: "Viewers", scale: "viewers", stroke: second, width: 2, points: { show: false }, value: (chart, value) => measured(value, "count") }]
        : []),
    ],
    hooks: { draw: [marks(marksNow, colors)] },
    legend: { live: true, markers: { fill: (chart, index) => [ground, first, second][index] } },
  };
}

/**
 * `data` is `[seconds, values, viewers]`, `marks` `{at (seconds), kind}`. A picture: what it says stands in a table beside.
 */
export function Chart({ label, unit, zone, data, marks: marksShown }) {
  const place = useRef(null);
  const chart = useRef(null);
  const latest = useRef({ data, marks: marksShown });
  latest.current = { data, marks: marksShown };
  const isWatched = data.length > 2;
  useEffect(() => {
    const element = place.current;
    const draw = () => {
      chart.current?.destroy();
      const options = optionsOf(element, { label, unit, zone, isWatched }, () => latest.current.marks);
      chart.current = new uPlot(options, latest.current.data, element);
    };
    draw();
    const watching = new ResizeObserver(() => chart.current.setSize({ width: element.clientWidth, height: HEIGHT_PX }));
    watching.observe(element);
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    addEventListener("schemechange", draw);
    return () => {
      watching.disconnect();
      scheme.removeEventListener("change", draw);
      removeEventListener("schemechange", draw);
      chart.current.destroy();
      chart.current = null;
    };
  }, [label, unit, zone, isWatched]);
  useEffect(() => {
    chart.current?.setData(data);
  }, [data, marksShown]);
  return html`<div class="chart" ref=${place} aria-hidden="true"></div>`;
}
