import { readFile } from "node:fs/promises";
import { AgentwireError } from "../errors.ts";

/** With which Node refuses the certificate of a server. */
const REFUSED =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(?:GET_ISSUER_CERT|GET_ISSUER_CERT_LOCALLY|VERIFY_LEAF_SIGNATURE)|CERT_(?:HAS_EXPIRED|NOT_YET_VALID|SIGNATURE_FAILURE|UNTRUSTED|REJECTED|REVOKED)|INVALID_(?:CA|PURPOSE)|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID)$/;
/** So deep client libraries wrap errors. */
const DEEPEST = 4;

/** The certificates in the PEM file that a URL names with `ca`; read anew for each connection. @throws URL_INVALID where there are none */
export async function readAuthorities(file: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw unusable(`${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
  if (!/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/.test(text)) throw unusable(`${file} has no certificate in PEM form`);
  return text;
}

/** The typed error for a server whose certificate was refused; undefined if the error is another one. */
export function certificateError(error: unknown, server: string): AgentwireError | undefined {
  let cause = error;
  for (let depth = 0; depth < DEEPEST && cause instanceof Error; depth++, cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined || !REFUSED.test(code)) continue;
    return new AgentwireError("ENGINE_STATE", `${server} has a certificate that is not trusted: ${cause.message}`, {
      hint: "Name the file of the authority that signed it with ?ca=FILE, and the host as the certificate names it.",
      details: { reason: code },
      cause: error,
    });
  }
  return undefined;
}

function unusable(why: string, cause?: unknown): AgentwireError {
  return new AgentwireError("URL_INVALID", `What the URL names as ca cannot be used: ${why}`, {
    hint: "Give the path of a file with the certificates of the authorities to trust, in PEM form.",
    ...(cause === undefined ? {} : { cause }),
  });
}
