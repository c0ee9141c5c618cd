import { parseBoundary, readMultipart, type FormPart } from "./multipart.ts";
import { parseName, type Parameter } from "./parameters.ts";
import { parametersToJson } from "./parameters-to-json.ts";
import { joinWithQuery, type RequestParts } from "./request-message.ts";

/**
 * The message of a form with files: fields are typed by the schema like those of any form, files are bytes. The query
 * counts too; where both name a field, the form wins.
 *
 * @throws MicroError `invalid_argument`
 */
export async function readMultipartMessage(parts: RequestParts): Promise<Uint8Array> {
  const parameters: Parameter[] = [];
  const whole = (async function* () {
    yield parts.body;
  })();
  for await (const part of readMultipart(whole, parseBoundary(parts.contentType))) {
    parameters.push(await readParameter(part));
  }
  return joinWithQuery(parts, parametersToJson(parameters, parts.type));
}

/** One field, or one file. @throws MicroError `invalid_argument` for a name that is none. */
export async function readParameter({ name, fileName, content }: FormPart): Promise<Parameter> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  const parsed = parseName(name, "form");
  if (fileName === undefined) return { ...parsed, value: bytes.toString("utf8") };
  return { ...parsed, value: undefined, bytes };
}
