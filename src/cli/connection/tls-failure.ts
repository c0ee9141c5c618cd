import { CommandError } from "#cli/command-error.ts";

/** What is wrong with a certificate, by the codes of Bun's and Node's TLS. */
const certificateFaults: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "it is signed by itself",
  SELF_SIGNED_CERT_IN_CHAIN: "it is signed by an authority that is not known here",
  UNABLE_TO_GET_ISSUER_CERT: "it is signed by an authority that is not known here",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "it is signed by an authority that is not known here",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "it is signed by an authority that is not known here",
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "it is for another name",
};

/** A failure of TLS with the server at `address` in words; undefined for any other failure. */
export function findTlsFailure(code: string, address: string, cause: unknown): CommandError | undefined {
  const options = { code: "unavailable", exitCode: 4, cause } as const;
  const fault = Object.hasOwn(certificateFaults, code) ? certificateFaults[code] : undefined;
  if (fault !== undefined) {
    const hint = "NODE_EXTRA_CA_CERTS=FILE names a certificate to trust";
    return new CommandError(`The certificate of ${address} is not trusted: ${fault}; ${hint}`, options);
  }
  if (code !== "EPROTO") return undefined;
  return new CommandError(`${address} does not speak TLS: write its address with http://, or another port`, options);
}
