// Charts of a market's last minutes. Times run from left to right in every language, as prices and clocks do.
const MOST_POINTS = 1500;
export const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function toNumbers(column) {
  return column.map((value) => (value === null ? null : Number(value)));
}

const KINDS = {
  price: {
    columns: ["mid", "bid", "ask"],
    data: (history) => [history.t, ...["mid", "bid", "ask"].map((name) => toNumbers(history[name]))],
    point: (status) => [status.mid, status.bid, status.ask],
    series: () => [
      { stroke: token("--ink"), width: 1.25 },
      { stroke: token("--bid"), width: 1.5, paths: uPlot.paths.stepped({ align: 1 }) },
      { stroke: token("--ask"), width: 1.5, paths: uPlot.paths.stepped({ align: 1 }) },
    ],
    bands: () => [{ series: [3, 2], fill: `color-mix(in srgb, ${token("--accent")} 9%, transparent)` }],
  },
  pnl: {
    data: (history) => {
      const realised = toNumbers(history.realised), unrealised = toNumbers(history.unrealised);
      const total = realised.map((value, i) => (value === null || unrealised[i] === null ? null : value + unrealised[i]));
      return [history.t, total, realised, unrealised];
    },
    point: (status) => [status.total_pnl, status.realised_pnl, status.unrealised_pnl],
    series: () => [
      { stroke: token("--accent"), width: 2 },
      { stroke: token("--soft"), width: 1.25 },
      { stroke: token("--warn"), width: 1.25 },
    ],
    bands: () => [],
  },
};

export function axis() {
  return { stroke: token("--soft"), grid: { stroke: token("--line"), width: 1 }, ticks: { show: false }, font: "11px Inter, sans-serif" };
}

/** A plot in its box: drawn anew when the box, the theme or the data change. `options()` gives what uPlot needs besides its size. */
export class Plot {
  constructor(element, note) {
    this.element = element;
    this.note = note;
    this.data = [[]];
    this.plot = null;
    // The desk reads UTC; pages for the public say whose clock theirs is.
    this.timeZone = element.closest("[data-time-zone]")?.dataset.timeZone ?? "UTC";
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(element);
    document.addEventListener("themechange", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  size() {
    return { width: Math.max(200, this.element.clientWidth), height: this.element.clientHeight || 200 };
  }

  get isEmpty() {
    return this.data[0].length < 2;
  }

  draw() {
    if (this.note) this.note.hidden = !this.isEmpty;
    this.element.hidden = this.isEmpty;
    this.plot?.destroy();
    this.plot = null;
    if (this.isEmpty) return;
    const common = { padding: [10, 6, 0, 0], legend: { show: false } };
    this.plot = new uPlot({ ...this.size(), ...common, ...this.options() }, this.data, this.element);
  }
}

export class MarketChart extends Plot {
  constructor(element, kind, decimals) {
    super(element, element.parentElement.querySelector(".chart-empty"));
    this.kind = KINDS[kind];
    this.decimals = kind === "price" ? decimals : 2;
    this.data = [[], [], [], []];
    this.last = 0;
    this.clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: this.timeZone });
  }

  load(history) {
    this.data = this.kind.data(history);
    this.last = this.data[0].at(-1) ?? 0;
    this.draw();
  }

  add(status, at) {
    if (at - this.last < 1) return;
    this.last = at;
    const values = this.kind.point(status).map((value) => (value === null || value === undefined ? null : Number(value)));
    this.data = this.data.map((column, i) => [...column, i ? values[i - 1] : at].slice(-MOST_POINTS));
    if (this.plot) this.plot.setData(this.data);
    else this.draw();
  }

  options() {
    const label = (value) => value.toFixed(Math.min(this.decimals, 6));
    return {
      cursor: { y: false, points: { size: 6 } },
      series: [{}, ...this.kind.series().map((series) => ({ ...series, points: { show: false }, spanGaps: false }))],
      bands: this.kind.bands(),
      axes: [
        { ...axis(), values: (_, ticks) => ticks.map((at) => this.clock.format(at * 1000)), space: 70, size: 28 },
        { ...axis(), values: (_, ticks) => ticks.map(label), size: 14 + 7 * (this.decimals + 3), space: 34 },
      ],
    };
  }
}
