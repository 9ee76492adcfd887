// One market on a page: figures, rail, ages and charts follow the status that the socket brings.
import { MarketChart } from "./chart.js";
import { seconds, word } from "./format.js";

const OLD_AFTER_S = 5;

export class MarketView {
  constructor(element, words) {
    this.element = element;
    this.words = words;
    this.slug = element.dataset.market;
    this.places = { price: Number(element.dataset.priceDecimals), size: Number(element.dataset.sizeDecimals) };
    this.fields = [...element.querySelectorAll("[data-field]")];
    this.ages = [...element.querySelectorAll("[data-age]")];
    this.charts = [...element.querySelectorAll("[data-chart]")].map(
      (box) => new MarketChart(box, box.dataset.chart, this.places.price),
    );
    this.status = null;
    this.loadHistory();
  }

  async loadHistory() {
    if (!this.charts.length) return;
    const answer = await fetch(`${this.element.dataset.history}?seconds=900`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer?.ok) return;
    const history = await answer.json();
    this.charts.forEach((chart) => chart.load(history));
  }

  show(status) {
    this.status = status;
    this.heardAt = performance.now();
    if (status.price_decimals !== undefined) this.places = { price: status.price_decimals, size: status.size_decimals };
    for (const field of this.fields) this.#figure(field, word(status[field.dataset.field], field.dataset.format, this.places));
    this.#badges(status);
    this.#rail(status);
    this.#depth(status);
    this.charts.forEach((chart) => chart.add(status, Date.now() / 1000));
    this.tick();
  }

  /** Ages count on between messages; call a few times a second. */
  tick() {
    if (!this.status) return;
    const since = (performance.now() - this.heardAt) / 1000;
    const known = { quotes: this.status.feed_age_s, cycle: this.status.cycle_age_s, figures: this.#figuresAge() };
    for (const age of this.ages) {
      const base = known[age.dataset.age];
      const text = base === null || base === undefined ? "—" : seconds(base + since);
      if (age.textContent !== text) age.textContent = text;
      age.classList.toggle("down", age.dataset.age === "quotes" && base + since > OLD_AFTER_S);
    }
  }

  #figuresAge() {
    const { figures_at: at, updated_at: now } = this.status;
    return at && now ? Math.max(0, (Date.parse(now) - Date.parse(at)) / 1000) : 0;
  }

  #figure(field, text) {
    if (field.textContent === text) return;
    field.textContent = text;
    if (["bid", "ask"].includes(field.dataset.field)) {
      field.classList.remove("moved");
      void field.offsetWidth; // restarts the animation
      field.classList.add("moved");
    }
  }

  #badges(status) {
    const badge = this.element.querySelector("[data-state-badge]");
    badge.dataset.value = status.state;
    badge.querySelector("[data-state-word]").textContent = this.words[`word${status.state[0]}${status.state.slice(1).toLowerCase()}`];
    const outcome = this.element.querySelector(".outcome[data-outcome]");
    if (outcome && status.outcome) {
      outcome.dataset.outcome = status.outcome;
      const key = status.outcome[0].toUpperCase() + status.outcome.slice(1);
      outcome.querySelector("[data-outcome-word]").textContent = this.words[`word${key}`] ?? status.outcome;
    }
  }

  #rail(status) {
    const rail = this.element.querySelector("[data-rail]");
    if (!rail) return;
    const mid = Number(status.mid);
    const prices = [status.bid, status.ask, status.market_bid, status.market_ask].filter((price) => price !== null).map(Number);
    rail.hidden = !status.mid || prices.length === 0;
    if (rail.hidden) return;
    const half = 1.35 * Math.max(...prices.map((price) => Math.abs(price - mid)), mid * 1e-6);
    const at = (price) => `${Math.min(100, Math.max(0, 50 + (50 * (Number(price) - mid)) / half)).toFixed(2)}%`;
    const mark = (name, price) => {
      const line = rail.querySelector(name);
      line.hidden = price === null;
      if (price !== null) line.style.insetInlineStart = at(price);
    };
    const span = (name, low, high) => {
      const box = rail.querySelector(name);
      box.hidden = low === null || high === null;
      if (box.hidden) return;
      box.style.insetInlineStart = at(low);
      box.style.inlineSize = `${Math.max(0, parseFloat(at(high)) - parseFloat(at(low)))}%`;
    };
    span(".rail-market", status.market_bid, status.market_ask);
    span(".rail-ours", status.bid, status.ask);
    mark(".rail-bid", status.bid);
    mark(".rail-ask", status.ask);
    mark(".rail-mid", status.mid);
  }

  #depth(status) {
    const table = this.element.querySelector("[data-depth]");
    if (!table) return;
    if (!status.depth.length) {
      table.tBodies[0].replaceChildren(emptyRow(3, this.words.wordNobook));
      return;
    }
    table.tBodies[0].replaceChildren(...status.depth.map((band) => this.#band(band)));
  }

  #band(band) {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.append(figure(`±${band.band_pct} %`));
    row.append(head);
    for (const side of ["bid", "ask"]) {
      const cell = document.createElement("td");
      const ours = figure(word(band[`our_${side}`], "fixed:0", this.places), "i");
      ours.classList.add("ours", side);
      cell.append(figure((band.is_complete ? "" : "≥ ") + word(band[side], "fixed:0", this.places)), " ", ours);
      row.append(cell);
    }
    return row;
  }
}

export function figure(text, tag = "span") {
  const element = document.createElement(tag);
  element.className = "num";
  element.dir = "ltr";
  element.textContent = text;
  return element;
}

export function emptyRow(columns, text) {
  const row = document.createElement("tr");
  const cell = document.createElement("td");
  cell.colSpan = columns;
  cell.className = "none";
  cell.textContent = text;
  row.append(cell);
  return row;
}
