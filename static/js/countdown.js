// Counts down from what the server said was left, by this machine's running clock alone: its time of day does not matter.
const started = performance.now();
const two = (number) => String(number).padStart(2, "0");

function shown(seconds) {
  const left = Math.max(0, Math.ceil(seconds));
  const [days, hours, minutes] = [Math.floor(left / 86400), Math.floor(left / 3600) % 24, Math.floor(left / 60) % 60];
  const clock = hours || days ? `${hours}:${two(minutes)}:${two(left % 60)}` : `${minutes}:${two(left % 60)}`;
  return days ? `${days} d ${clock}` : clock;
}

for (const place of document.querySelectorAll("[data-countdown]")) {
  const whole = Number(place.dataset.countdown);
  const figure = place.querySelector("[data-left]");
  const heard = place.querySelector("[data-heard]");
  const marks = [3600, 600, 60, 10].filter((mark) => mark < whole);
  let isOver = whole <= 0;
  const tick = () => {
    const left = whole - (performance.now() - started) / 1000;
    figure.textContent = shown(left);
    // Said aloud only now and then: a second by second voice would drown everything else.
    if (marks.length && left <= marks[0]) heard.textContent = `${place.dataset.word} ${shown(marks.shift())}`;
    if (left > 0 || isOver) return;
    isOver = true;
    heard.textContent = place.dataset.over;
    // What time did is on the next page: asked for a moment later, when nobody is typing.
    setTimeout(() => { if (!document.querySelector("form :is(textarea,input):focus")) location.reload(); }, 3000);
  };
  tick();
  setInterval(tick, 250);
}
