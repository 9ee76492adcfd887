// Dhivehi needs its font: text waits for it, at most this long, instead of showing boxes first and jumping afterwards.
const LONGEST_WAIT_MS = 1500;
(() => {
  const root = document.documentElement;
  const weights = ["400", "600"].map((weight) => document.fonts.load(`${weight} 1rem "Noto Sans Thaana"`, "\u078b"));
  root.classList.add("waits-for-fonts");
  Promise.race([Promise.allSettled(weights), new Promise((resolve) => { setTimeout(resolve, LONGEST_WAIT_MS); })])
    .then(() => root.classList.remove("waits-for-fonts"));
})();
