// What both live pages share: the socket, the sign that says whether it is live, ages that count on.
import { MarketView } from "./market.js";
import { LiveSocket } from "./socket.js";

export function start(makeView = (element, words) => new MarketView(element, words), onMessage = () => {}) {
  const root = document.querySelector("[data-live]");
  if (!root) return;
  const words = root.dataset;
  const sign = document.querySelector("[data-connection]");
  const views = new Map();
  for (const element of root.querySelectorAll("[data-market]")) {
    const view = makeView(element, words);
    views.set(view.slug, view);
  }
  let wasLost = false;
  const tell = (state, pause) => {
    const text = {
      live: words.wordLive,
      stale: words.wordStale,
      lost: pause > 1 ? words.wordRetry.replace("{s}", Math.ceil(pause)) : words.wordLost,
      forbidden: words.wordForbidden,
    }[state];
    if (sign.dataset.state !== state) sign.dataset.state = state;
    const place = sign.querySelector("[data-connection-text]");
    if (place.textContent !== text) place.textContent = text;
    document.body.classList.toggle("is-old", state !== "live");
    if (state === "live" && wasLost) views.forEach((view) => view.loadHistory());
    wasLost = state !== "live";
  };
  new LiveSocket(words.socket, {
    onState: tell,
    onMessage: (message) => {
      const view = views.get(message.market);
      // A market was added since a page of all of them was made.
      if (message.type === "snapshot" && !view && words.only === undefined) location.reload();
      if (view && message.status) view.show(message.status);
      if (view) onMessage(view, message);
    },
  });
  setInterval(() => views.forEach((view) => view.tick()), 200);
}
