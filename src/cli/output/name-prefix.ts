import { nameColors, paint } from "./terminal.ts";

/**
 * What stands before a line to say which of several services it is from: the name, padded to the longest, in a color of its
 * own. Nothing where there are no names to tell apart.
 */
export function createNamePrefix(names: readonly string[], hasColors: boolean): (name: string) => string {
  if (names.length === 0) return () => "";
  const width = Math.max(...names.map((name) => name.length));
  return (name) => {
    const shown = `${name.padEnd(width)} |`;
    const color = nameColors[Math.max(0, names.indexOf(name)) % nameColors.length] ?? "cyan";
    return `${hasColors ? paint(shown, color) : shown} `;
  };
}
