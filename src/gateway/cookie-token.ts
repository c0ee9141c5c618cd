/** The cookie that carries a token; its value may repeat the name, as Micro's own web pages write it. */
const name = "micro-token=";

/** The token in a `cookie` header, or undefined. */
export function readCookieToken(cookies: string | undefined): string | undefined {
  if (cookies === undefined || !cookies.includes(name)) return undefined;
  for (const part of cookies.split(";")) {
    const pair = part.trim();
    if (!pair.startsWith(name)) continue;
    const value = unquote(pair.slice(name.length));
    const token = value.startsWith(name) ? value.slice(name.length) : value;
    if (token !== "") return token;
  }
  return undefined;
}

function unquote(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
