import { bytesField, bytesOf, formatBytesLine } from "#cli/output/format-bytes.ts";
import { objectText } from "#cli/output/json-text.ts";
import { numberOf, textMapOf, textOf, type Fields } from "#cli/service-answer.ts";

/** How events are shown. */
export interface EventStyle {
  readonly isJson: boolean;
  /** Shows place, time and metadata before the payload. */
  readonly isVerbose: boolean;
}

/** One event on one line. */
export function formatEvent(event: Fields, { isJson, isVerbose }: EventStyle): string {
  const payload = bytesOf(event["payload"]);
  if (isJson) return toJson(event, payload);
  const line = formatBytesLine(payload);
  if (!isVerbose) return line;
  const attempt = numberOf(event["attempt"]);
  const metadata = Object.entries(textMapOf(event["metadata"])).map(([key, value]) => `${key}=${value}`);
  const facts = [
    String(numberOf(event["sequence"])),
    happenedAt(event),
    textOf(event["id"]),
    ...(attempt > 1 ? [`attempt=${attempt}`] : []),
    ...metadata,
  ];
  const encoder = new TextEncoder();
  return [...facts.map((fact) => formatBytesLine(encoder.encode(fact))), line].join("  ");
}

function toJson(event: Fields, payload: Uint8Array): string {
  const attempt = numberOf(event["attempt"]);
  return objectText({
    id: JSON.stringify(textOf(event["id"])),
    topic: JSON.stringify(textOf(event["topic"])),
    sequence: String(numberOf(event["sequence"])),
    timestamp: JSON.stringify(happenedAt(event)),
    ...(attempt > 0 ? { attempt: String(attempt) } : {}),
    metadata: JSON.stringify(textMapOf(event["metadata"])),
    ...bytesField("payload", payload),
  });
}

function happenedAt(event: Fields): string {
  return new Date(numberOf(event["timestamp_ms"]) || numberOf(event["timestamp"]) * 1_000).toISOString();
}
