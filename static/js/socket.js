// One socket that says what it knows: live, stale (the server says so), lost, when it tries again. Every connection starts with a full snapshot from the server.
const SILENT_AFTER_MS = 12000; // the server pings every 5 s
const LONGEST_PAUSE_S = 15;
const FORBIDDEN = 4403;
const TRY_AGAIN_LATER = 1013; // the page did not keep up
const LATER_ATTEMPTS = 4;

export class LiveSocket {
  constructor(path, { onMessage, onState }) {
    this.path = path;
    this.onMessage = onMessage;
    this.onState = onState;
    this.attempts = 0;
    this.heardAt = 0;
    this.isStale = false;
    setInterval(() => this.#watch(), 1000);
    addEventListener("online", () => this.#now());
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.#now(); });
    this.connect();
  }

  connect() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const lang = document.documentElement.lang;
    const socket = new WebSocket(`${scheme}//${location.host}${this.path}?lang=${lang}`);
    this.socket = socket;
    this.heardAt = performance.now();
    this.isStale = false;
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.heardAt = performance.now();
      this.attempts = 0;
      const message = JSON.parse(event.data);
      if (message.type === "state") this.isStale = message.state === "old";
      this.onState(this.isStale ? "stale" : "live");
      this.onMessage(message);
    };
    socket.onclose = (event) => { if (socket === this.socket) this.#lost(event.code); };
  }

  #lost(code) {
    this.socket = null;
    if (code === FORBIDDEN) { this.onState("forbidden"); return; }
    this.attempts = code === TRY_AGAIN_LATER ? Math.max(LATER_ATTEMPTS, this.attempts + 1) : this.attempts + 1;
    // Half fixed, half random: visitors of a restarted server do not all come back in the same moment.
    const pause = Math.min(LONGEST_PAUSE_S, 0.5 * 2 ** (this.attempts - 1)) * (0.5 + Math.random() / 2);
    this.retryAt = performance.now() + pause * 1000;
    this.onState("lost", pause);
  }

  #watch() {
    const now = performance.now();
    if (this.socket) {
      if (now - this.heardAt > SILENT_AFTER_MS) {
        const silent = this.socket;
        this.#lost(0);
        silent.close();
      }
    } else if (this.retryAt) {
      if (now >= this.retryAt) this.#now();
      else this.onState("lost", (this.retryAt - now) / 1000);
    }
  }

  #now() {
    if (this.socket || !this.retryAt) return;
    this.retryAt = 0;
    this.connect();
  }
}
