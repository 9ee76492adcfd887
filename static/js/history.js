// Charts over time, fetched from the public API when they come near the screen. Each reads its own data- attributes.
import { axis, Plot, toNumbers, token } from "./chart.js";
import { fixed } from "./format.js";
import { figure } from "./market.js";

const DAY_S = 86400;
// Days between two marks below a long chart, so that none is named twice.
const DAYS = [1, 2, 3, 5, 7, 10, 14, 30, 60, 90, 180, 365].map((days) => days * DAY_S);
// A day's row has no time of its own: it begins at midnight in the Maldives.
const moment = (text) => Date.parse(text.includes("T") ? text : `${text}T00:00:00+05:00`) / 1000;

class SeriesChart extends Plot {
  constructor(element) {
    const frame = element.closest("figure");
    super(element, frame.querySelector("[data-empty]"));
    this.failed = frame.querySelector("[data-failed]");
    this.readout = frame.querySelector("[data-readout]");
    this.words = [...frame.querySelectorAll(".keys > span")].map((key) => key.textContent.trim());
    this.lines = element.dataset.lines.split(" ").map((line) => {
      const [column, colour, dashed] = line.split(":");
      return { column, colour: `--${colour}`, isDashed: dashed === "dashed" };
    });
    this.form = element.dataset.form;
    this.isShare = element.dataset.unit === "share";
  }

  async load() {
    const answer = await fetch(this.element.dataset.series, { headers: { Accept: "application/json" } }).catch(() => null);
    this.failed.hidden = Boolean(answer?.ok);
    if (!answer?.ok) { this.element.hidden = true; return; }
    const table = await answer.json();
    const column = (index) => table.rows.map((row) => row[index]);
    const values = this.lines.map((line) => toNumbers(column(table.columns.indexOf(line.column))));
    this.data = [column(0).map(moment), ...values.map((line) => (this.isShare ? line.map((one) => (one === null ? null : one * 100)) : line))];
    this.draw();
    this.#tell(null);
  }

  get isEmpty() {
    return this.data[0].length < 1 || this.data.slice(1).every((line) => line.every((value) => value === null));
  }

  #label(value) {
    const size = Math.abs(value);
    return fixed(value, size === 0 || size >= 1000 ? 0 : size >= 10 ? 1 : size >= 0.1 ? 2 : 6).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  }

  #format() {
    const span = this.data[0].at(-1) - this.data[0][0];
    const day = { day: "2-digit", month: "short", timeZone: this.timeZone };
    const time = { hour: "2-digit", minute: "2-digit", timeZone: this.timeZone };
    const near = new Intl.DateTimeFormat("en-GB", span > 2 * DAY_S || this.form === "bar" ? day : time);
    const whole = new Intl.DateTimeFormat("en-GB", this.form === "bar" ? { ...day, year: "numeric" } : { ...day, ...time });
    return { near, whole, isLong: span > 2 * DAY_S || this.form === "bar" };
  }

  #tell(index) {
    let at = index;
    if (at === null) for (at = this.data[0].length - 1; at > 0 && this.data.slice(1).every((line) => line[at] === null);) at -= 1;
    if (this.isEmpty || this.data[0][at] === undefined) return;
    const told = this.lines.flatMap((_, i) => {
      const value = this.data[i + 1][at];
      const figureOf = value === null ? "—" : `${this.#label(value)}${this.isShare ? " %" : ""}`;
      return [` · ${this.words[i]} `, figure(figureOf, "bdi")];
    });
    this.readout.replaceChildren(figure(this.#format().whole.format(this.data[0][at] * 1000), "bdi"), ...told);
  }

  options() {
    const { near, isLong } = this.#format();
    const stepped = uPlot.paths.stepped({ align: 1 }), bars = uPlot.paths.bars({ size: [0.7, 28] });
    // A bar, or a single point, needs room on both sides.
    const [first, second = first + DAY_S] = this.data[0];
    const room = this.form === "bar" || this.data[0].length === 1 ? (second - first) / 2 : 0;
    const isSparse = this.data[0].length < 60;
    const labels = (ticks) => ticks.map((value) => this.#label(value));
    return {
      padding: [10, 20, 0, 0],
      cursor: { y: false, points: { size: 6 } },
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), this.timeZone),
      scales: {
        x: { range: (_, first, last) => [first - room, last + room] },
        y: { range: (_, low, high) => this.#range(low, high) },
      },
      series: [{}, ...this.lines.map((line) => ({
        stroke: token(line.colour), width: line.isDashed ? 1.25 : 1.75, dash: line.isDashed ? [5, 4] : undefined, spanGaps: false,
        paths: { step: stepped, bar: bars }[this.form], points: { show: isSparse && this.form === "line", size: 4, fill: token(line.colour) },
        fill: this.form === "bar" ? `color-mix(in srgb, ${token(line.colour)} 35%, transparent)` : undefined,
      }))],
      axes: [
        { ...axis(), ...(isLong ? { incrs: DAYS } : {}), values: (_, ticks) => ticks.map((at) => near.format(at * 1000)), space: 64, size: 28 },
        { ...axis(), values: (_, ticks) => labels(ticks), size: (_, ticks) => 24 + 6.8 * Math.max(3, ...(ticks ?? []).map((one) => one.length)), space: 34 },
      ],
      hooks: { setCursor: [(plot) => this.#tell(plot.cursor.idx ?? null)] },
    };
  }

  /** Zero is in every picture: a share or a depth that only looks large misleads. Prices are not drawn here. */
  #range(low, high) {
    const bottom = Math.min(0, low ?? 0), top = Math.max(0, high ?? 0);
    if (this.isShare && bottom === 0) return [0, top > 50 ? 105 : Math.max(1, top * 1.15)];
    const room = (top - bottom || 1) * 0.1;
    return [bottom < 0 ? bottom - room : 0, top + room];
  }
}

const charts = new Map([...document.querySelectorAll("[data-series]")].map((element) => [element, new SeriesChart(element)]));
const near = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    charts.get(target).load();
  }
}, { rootMargin: "300px" });
charts.forEach((_, element) => near.observe(element));
