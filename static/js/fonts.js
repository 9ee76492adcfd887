// A page is shown with its fonts: text that appears in another one first jumps when they come. Dhivehi, which without its font may be
// boxes, waits longer than Latin, which then keeps the system's font until the next page.
(() => {
  const root = document.documentElement;
  const [longestMs, fonts] = root.lang === "dv"
    ? [1500, [["400 1rem Inter", "a"], ['400 1rem "Noto Sans Thaana"', "\u078b"], ['600 1rem "Noto Sans Thaana"', "\u078b"]]]
    : [300, [["400 1rem Inter", "a"]]];
  root.classList.add("waits-for-fonts");
  Promise.race([
    Promise.allSettled(fonts.map(([font, text]) => document.fonts.load(font, text))),
    new Promise((resolve) => { setTimeout(resolve, longestMs); }),
  ]).then(() => root.classList.remove("waits-for-fonts"));
})();
