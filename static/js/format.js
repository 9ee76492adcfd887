// Words figures exactly as dcmm_portal/templatetags/figures.py does, so that a live update never changes the notation.
const MISSING = "—";
const formats = new Map();

function grouped(value, decimals) {
  if (!formats.has(decimals)) {
    formats.set(decimals, new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }));
  }
  return formats.get(decimals).format(value);
}

function number(value) {
  if (value === null || value === undefined || value === "") return null;
  const found = Number(value);
  return Number.isFinite(found) ? found : null;
}

export function fixed(value, decimals) {
  const found = number(value);
  return found === null ? MISSING : grouped(found, decimals);
}

export function signed(value, decimals) {
  const found = number(value);
  if (found === null) return MISSING;
  const shown = Math.round(Math.abs(found) * 10 ** decimals) / 10 ** decimals;
  return (shown === 0 ? "" : found > 0 ? "+" : "−") + grouped(shown, decimals);
}

export function percent(value, decimals) {
  const found = number(value);
  return found === null ? MISSING : `${grouped(found * 100, decimals)} %`;
}

export function seconds(value) {
  const found = number(value);
  if (found === null) return MISSING;
  if (found < 10) return `${found.toFixed(1)} s`;
  if (found < 120) return `${found.toFixed(0)} s`;
  return found < 7200 ? `${(found / 60).toFixed(0)} min` : `${(found / 3600).toFixed(1)} h`;
}

export function word(value, format, places) {
  const [kind, decimals] = format.split(":");
  if (kind === "price") return fixed(value, places.price);
  if (kind === "size") return fixed(value, places.size);
  if (kind === "signed") return signed(value, Number(decimals));
  if (kind === "percent") return percent(value, Number(decimals));
  if (kind === "sigma") return fixed(value === null ? null : value * 10000, 2);
  return fixed(value, Number(decimals));
}
