/** What a request has that two readers would take for two things, and the bytes of it. */
export type AmbiguousRequest = [what: string, text: string];

/**
 * Requests with a second one behind them that a reader finds, or not, by how it reads the first.
 *
 * @param post head of a POST without an end and without a length. @param hidden a whole request.
 */
export function ambiguousRequests(post: string, hidden: string): AmbiguousRequest[] {
  return [
    ["a length and chunks", `${post}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ["chunks and a length", `${post}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n${hidden}`],
    ["two lengths", `${post}content-length: 2\r\ncontent-length: 60\r\n\r\n{}${hidden}`],
    ["two lengths in one", `${post}content-length: 2, 60\r\n\r\n{}${hidden}`],
    ["a length with a sign", `${post}content-length: +2\r\n\r\n{}${hidden}`],
    ["a length below nothing", `${post}content-length: -2\r\n\r\n{}${hidden}`],
    ["a length in hexadecimal", `${post}content-length: 0x2\r\n\r\n{}${hidden}`],
    ["a length beyond numbers", `${post}content-length: 99999999999999999999\r\n\r\n{}${hidden}`],
    ["an empty length", `${post}content-length:\r\n\r\n{}${hidden}`],
    ["another transfer encoding", `${post}transfer-encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n${hidden}`],
    [
      "two transfer encodings",
      `${post}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n${hidden}`,
    ],
    ["chunks that are not last", `${post}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`],
    ["a blank before a colon", `${post}transfer-encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ["chunks in HTTP/1.0", `${post.replace("1.1", "1.0")}transfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ["a folded header", `${post}x-a: b\r\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
    ["lines that end with a line feed", `${post.replaceAll("\r\n", "\n")}content-length: 2\n\n{}${hidden}`],
    ["a carriage return in a value", `${post}x-a: b\rcontent-length: 2\r\n\r\n{}${hidden}`],
    ["a zero byte in a value", `${post}x-a: b\0c\r\ncontent-length: 2\r\n\r\n{}${hidden}`],
    ["a blank in a name", `${post}x a: b\r\ncontent-length: 2\r\n\r\n{}${hidden}`],
    ["a line without a colon", `${post}xa\r\ncontent-length: 2\r\n\r\n{}${hidden}`],
    ["no host", `${post.replace(/host: x\r\n/, "")}content-length: 2\r\n\r\n{}${hidden}`],
    ["a blank in the target", `GET /a b HTTP/1.1\r\nhost: x\r\n\r\n${hidden}`],
    ["a version that is none", `GET /a HTTP/9.9\r\nhost: x\r\n\r\n${hidden}`],
  ];
}

/** Bodies in chunks that are none. */
export const badChunks: AmbiguousRequest[] = [
  ["a size that is none", "zz\r\n{}\r\n0\r\n\r\n"],
  ["a size below nothing", "-2\r\n{}\r\n0\r\n\r\n"],
  ["a size beyond numbers", "FFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n"],
  ["a size with a prefix", "0x2\r\n{}\r\n0\r\n\r\n"],
  ["more than the size", "2\r\n{}{}\r\n0\r\n\r\n"],
  ["a line feed alone", "2\n{}\n0\n\n"],
];
