/** A name of a header: a token. @see https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2 */
export const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The same in HTTP/2, where it is in lower case, and pseudo headers begin with a colon. */
export const http2HeaderName = /^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** What may be sent as a value: printable ASCII, tabs, and bytes above. @see https://www.rfc-editor.org/rfc/rfc9110#section-5.5 */
export const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;
