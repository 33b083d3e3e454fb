// Values for people: how they are written, and how far they are from a threshold.

const SIGNIFICANT_DIGITS = 6;

// Six significant digits, an exponent only where the number would be long otherwise.
export function formatValue(value: number | undefined): string {
  if (value === undefined) return "";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "−Inf";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e7 || size < 1e-4
    ? value.toExponential(SIGNIFICANT_DIGITS - 1).replace(/\.?0+e/, "e").replace("e+", "e")
    : Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(SIGNIFICANT_DIGITS)));
  return text.replace(/^-/, "−");
}

export function formatCount(count: number): string {
  return String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

// Whether `value operator threshold` holds; undefined when that cannot be told.
export function breaches(value: number | undefined, operator: string,
                         threshold: number | undefined): boolean | undefined {
  if (value === undefined || threshold === undefined) return undefined;
  switch (operator) {
    case ">": return value > threshold;
    case ">=": return value >= threshold;
    case "<": return value < threshold;
    case "<=": return value <= threshold;
    case "==": return value === threshold;
    case "!=": return value !== threshold;
    default: return undefined;
  }
}

const OPERATOR_SIGNS: Readonly<Record<string, string>> = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"};

// "> 90"; empty without a threshold.
export function formatThreshold(operator: string, threshold: number | undefined): string {
  if (threshold === undefined) return "";
  return `${OPERATOR_SIGNS[operator] ?? operator} ${formatValue(threshold)}`.trim();
}

// How far the value is from the threshold, as a part of it where that can be said: "+12.5 %".
export function formatDistance(value: number | undefined, threshold: number | undefined): string {
  if (value === undefined || threshold === undefined) return "";
  const distance = value - threshold;
  if (!Number.isFinite(distance)) return "";
  if (distance === 0) return "0 %";
  const sign = distance > 0 ? "+" : "−";
  if (threshold === 0) return sign + formatValue(Number(Math.abs(distance).toPrecision(3)));
  const percent = Math.abs(distance / threshold) * 100;
  if (percent >= 1000) return `${sign}${formatValue(Number((percent / 100).toPrecision(2)))}×`;
  return `${sign}${percent >= 100 ? percent.toFixed(0) : percent >= 0.05 ? percent.toFixed(1) : "<0.1"} %`;
}
