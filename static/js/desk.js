// The desk: ladder with our orders, inventory gauge, fills, sentence and reasons.
import { fixed, signed } from "./format.js";
import { MarketView, emptyRow, figure } from "./market.js";
import { start } from "./page.js";

class DeskView extends MarketView {
  show(status) {
    super.show(status);
    this.#gauge(status);
    this.#reasons(status.state_reasons);
    this.#foreign(status.foreign_orders);
  }

  receive(message) {
    if (message.sentence) this.#sentence(message);
    if (message.book) this.#ladder(message.book);
    if (message.fills) this.#fills(message.fills);
  }

  #sentence({ sentence, status }) {
    const place = this.element.querySelector("[data-sentence]");
    place.dataset.outcome = status.outcome;
    if (place.textContent !== sentence) place.textContent = sentence;
    // Prices in the sentence change with every requote; only another kind of sentence is worth saying aloud.
    const kind = `${status.outcome} ${status.sentence_key}`;
    if (this.kind && this.kind !== kind) this.element.querySelector("[data-announce]").textContent = sentence;
    this.kind = kind;
  }

  #reasons(reasons) {
    const lines = reasons.map((why) => {
      const line = document.createElement("p");
      const state = document.createElement("b");
      state.textContent = why.state;
      const parts = [why.scope, why.reason, why.actor, `${why.since.slice(0, 19).replace("T", " ")} UTC`];
      line.append(state, " ");
      parts.forEach((part, i) => {
        const isolated = document.createElement("bdi");
        isolated.textContent = part;
        line.append(i ? " · " : "", isolated);
      });
      return line;
    });
    this.element.querySelector("[data-reasons]").replaceChildren(...lines);
  }

  // Orders on the account that nobody here sent.
  #foreign(orders) {
    const place = this.element.querySelector("[data-foreign]");
    const lines = orders.map((order) => {
      const line = document.createElement("p");
      const word = document.createElement("b");
      word.textContent = place.dataset[order.policy];
      line.append(word, " ");
      [order.client_order_id, `${order.side} ${order.remaining} @ ${order.price}`].forEach((part, i) => {
        const isolated = document.createElement("bdi");
        isolated.dir = "ltr";
        isolated.textContent = part;
        line.append(i ? " · " : "", isolated);
      });
      return line;
    });
    place.replaceChildren(...lines);
  }

  #ladder({ bids, asks }) {
    const largest = Math.max(1e-12, ...[...bids, ...asks].map(([, size]) => Number(size)));
    const skipped = () => {
      const line = emptyRow(3, "⋯");
      line.className = "skipped";
      return line;
    };
    const row = ([price, size, ours]) => {
      const line = document.createElement("tr");
      const mine = Number(ours) > 0;
      line.classList.toggle("mine", mine);
      line.style.setProperty("--share", `${((100 * Number(size)) / largest).toFixed(1)}%`);
      for (const text of [mine ? fixed(ours, this.places.size) : "", fixed(price, this.places.price), fixed(size, this.places.size)]) {
        const cell = document.createElement("td");
        cell.textContent = text;
        line.append(cell);
      }
      return line;
    };
    const nothing = () => emptyRow(3, this.words.wordNobook);
    // Best first; a level marked so has levels left out before it.
    const rows = (levels) => levels.flatMap((level) => (level[3] ? [skipped(), row(level)] : [row(level)]));
    this.element.querySelector("[data-asks]").replaceChildren(...(asks.length ? rows(asks).reverse() : [nothing()]));
    this.element.querySelector("[data-bids]").replaceChildren(...rows(bids));
  }

  #gauge({ inventory, limits }) {
    const gauge = this.element.querySelector("[data-gauge]");
    gauge.hidden = !limits || inventory === null;
    if (gauge.hidden) return;
    const [hard, soft] = [Number(limits.hard), Number(limits.soft)];
    const distance = Number(inventory) - Number(limits.target);
    const at = (value) => Math.min(100, Math.max(0, 50 + (50 * value) / (hard * 1.1)));
    const place = (name, left, width) => {
      const part = gauge.querySelector(name);
      part.style.insetInlineStart = `${left}%`;
      if (width !== undefined) part.style.inlineSize = `${width}%`;
    };
    place(".zone", at(-hard), at(hard) - at(-hard));
    place(".soft.low", at(-soft));
    place(".soft.high", at(soft));
    place(".target", 50);
    place(".fill", Math.min(50, at(distance)), Math.abs(at(distance) - 50));
    const fill = gauge.querySelector(".fill");
    fill.classList.toggle("over-soft", Math.abs(distance) >= soft);
    fill.classList.toggle("over-hard", Math.abs(distance) >= hard);
  }

  #fills(fills) {
    const body = this.element.querySelector("[data-fills]");
    if (!fills.length) { body.replaceChildren(emptyRow(6, this.words.wordNofills)); return; }
    body.replaceChildren(...fills.map((fill) => {
      const row = document.createElement("tr");
      row.className = fill.side;
      const texts = [fill.executed_at.slice(11, 19), null, fixed(fill.price, this.places.price), fixed(fill.size, this.places.size),
        `${fixed(fill.fee, 4)} ${fill.fee_asset}`, signed(fill.edge_bps, 1)];
      for (const text of texts) {
        const cell = document.createElement("td");
        if (text === null) cell.textContent = fill.side === "buy" ? this.words.wordBuy : this.words.wordSell;
        else cell.append(figure(text));
        row.append(cell);
      }
      return row;
    }));
  }
}

// Shift and a button's letter open its page, which asks once more; never while somebody types.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (!event.shiftKey || event.ctrlKey || event.altKey || event.metaKey || typing) return;
  document.querySelector(`a[data-shortcut="${CSS.escape(event.key.toUpperCase())}"]`)?.click();
});

start((element, words) => new DeskView(element, words), (view, message) => view.receive(message));
