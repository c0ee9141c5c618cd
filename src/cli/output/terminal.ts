import { isatty } from "node:tty";

/** How results may be shown. */
export interface Terminal {
  /** Standard output is read by a person. */
  readonly isTerminal: boolean;
  readonly hasColors: boolean;
}

/** What standard output is. Colors are only for terminals, and not where NO_COLOR (https://no-color.org) or TERM says so. */
export function describeTerminal(variables: Readonly<Record<string, string | undefined>>): Terminal {
  const isTerminal = isatty(1);
  const isPlain = (variables["NO_COLOR"] ?? "") !== "" || variables["TERM"] === "dumb";
  return { isTerminal, hasColors: isTerminal && !isPlain };
}

/** Select Graphic Rendition, https://www.xfree86.org/current/ctlseqs.html. */
const codes = { dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 } as const;
export type Color = keyof typeof codes;

/** Colors that tell services apart: none that means good or bad. */
export const nameColors: readonly Color[] = ["cyan", "magenta", "blue", "green"];

export function paint(text: string, color: Color): string {
  return `\u001b[${codes[color]}m${text}\u001b[0m`;
}
