const units: readonly (readonly [string, number])[] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];

/** When a record goes, for people: `None`, or `9 minutes from now`. */
export function formatExpiry(expiryMs: number | undefined): string {
  if (expiryMs === undefined) return "None";
  const [unit, unitMs] = units.find(([, each]) => expiryMs >= each) ?? ["second", 1_000];
  const count = Math.max(1, Math.floor(expiryMs / unitMs));
  return `${count} ${unit}${count === 1 ? "" : "s"} from now`;
}
