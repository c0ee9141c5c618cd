/**
 * JSON that is put together as text: parsing and writing it anew would take digits from numbers that are too long for
 * JavaScript.
 */

/** An object of values that are JSON texts. */
export function objectText(fields: Readonly<Record<string, string>>): string {
  const members = Object.entries(fields).map(([name, json]) => `${JSON.stringify(name)}:${json}`);
  return `{${members.join(",")}}`;
}

/** A list of values that are JSON texts, one a line. */
export function listText(items: readonly string[]): string {
  return items.length === 0 ? "[]" : `[\n\t${items.join(",\n\t")}\n]`;
}

/** JSON text without the blanks between its parts. */
export function compactText(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, text: string | undefined) => text ?? "");
}

/** Whether a text is JSON. */
export function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
