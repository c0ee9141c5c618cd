import { MicroError } from "#base/error.ts";
import type { ReadOptions, Store } from "#gen/store/store_pb.ts";
import type { StoreQuery, StoreRecord } from "#interface/store.ts";
import type { ProtoClient } from "./proto.ts";
import { fromWireRecord, requireText, toCount } from "./store-wire.ts";

export interface StorePages {
  readonly client: ProtoClient<typeof Store>;
  readonly where: { readonly database: string; readonly table: string };
}

/** Records of one page: some hundred small ones, or as many as fit into an answer. */
const pageCountMax = 250;

/** The records that match, page by page. @throws MicroError as `StoreTable` says. */
export async function* readPages({ client, where }: StorePages, query: StoreQuery): AsyncGenerator<StoreRecord, void> {
  const options = toOptions(where, query);
  let left = query.limit === undefined || query.limit === 0 ? Number.POSITIVE_INFINITY : query.limit;
  let pageCount = pageCountMax;
  let place: Pick<ReadOptions, "after" | "offset"> = { after: query.after ?? "", offset: options.offset };
  while (left > 0) {
    const limit = Math.min(left, pageCount);
    const page = await readPage(client, {
      key: query.prefix ?? "",
      options: { ...options, ...place, limit: BigInt(limit) },
    });
    if (page === undefined) {
      // Too big for one answer; one record fits.
      pageCount = Math.ceil(limit / 2);
      continue;
    }
    for (const record of page) yield record;
    if (page.length < limit) return;
    left -= page.length;
    place = { after: page.at(-1)?.key ?? "", offset: 0n };
  }
}

/** The keys that match. @throws MicroError as `StoreTable` says. */
export async function readKeys({ client, where }: StorePages, query: StoreQuery): Promise<readonly string[]> {
  const { prefix = "", suffix = "", limit = 0 } = query;
  const { offset, order, after } = toOptions(where, query);
  const options = { ...where, prefix, suffix, limit: toCount("limit", limit), offset, order, after };
  const keys: string[] = [];
  for await (const page of client.list({ options })) {
    for (const key of page.keys) keys.push(key);
  }
  return keys;
}

type Options = Pick<ReadOptions, "database" | "table" | "prefix" | "offset" | "order" | "after" | "endsWith">;

function toOptions(where: StorePages["where"], query: StoreQuery): Options {
  const { prefix = "", suffix = "", limit = 0, offset = 0, order = "asc", after = "" } = query;
  toCount("limit", limit);
  if (!["asc", "desc"].includes(order)) {
    throw new MicroError("invalid_argument", `order is asc or desc, not "${order as string}"`);
  }
  requireText("prefix", prefix);
  return {
    ...where,
    prefix: true,
    offset: toCount("offset", offset),
    order,
    after: requireText("after", after),
    endsWith: requireText("suffix", suffix),
  };
}

type PageRequest = Parameters<ProtoClient<typeof Store>["read"]>[0];

/** Undefined when several records do not fit into one answer. */
async function readPage(
  client: ProtoClient<typeof Store>,
  request: PageRequest,
): Promise<readonly StoreRecord[] | undefined> {
  try {
    return (await client.read(request)).records.map(fromWireRecord);
  } catch (reason) {
    const isTooBig = MicroError.is(reason) && reason.code === "payload_too_large";
    if (isTooBig && request.options?.limit !== 1n) return undefined;
    throw reason;
  }
}
