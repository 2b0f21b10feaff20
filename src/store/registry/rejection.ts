import { isTransientStatus, parseRetryAfter, Retryable } from "../../io/retry.ts";
import { ComposeImageError, type ErrorCode } from "../../model/errors.ts";
import { isJsonObject, type Json } from "../../model/json.ts";
import { frontHint } from "./front-hint.ts";
import { type HttpAnswer, headerOf, type Party } from "./http.ts";
import { redactText } from "./redact.ts";

/** Most bytes of an error's body that are read. */
const maxErrorBody = 64 * 1024;

/** What is known about a request when its answer is not the wanted one. */
export interface RejectionContext {
  readonly party: Party;
  /** What was wanted: `manifest registry.example/app:1`, `upload of sha256:…`. */
  readonly what: string;
  /** The code a 404 stands for. Default `REGISTRY_REJECTED`. */
  readonly notFound?: ErrorCode;
  /** For 401 and 403: where credentials were looked for and what to do. */
  readonly credentialHint?: string | undefined;
}

/**
 * Reads an answer that is not the wanted one, and says so.
 *
 * @returns a {@link Retryable} where another attempt may fare better.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export async function rejection(
  answer: HttpAnswer,
  context: RejectionContext,
): Promise<Retryable | ComposeImageError> {
  const said = parseErrorBody(await readErrorBody(answer));
  const status = String(answer.status);
  const text = said.text.startsWith(`${status} `) ? said.text.slice(status.length + 1) : said.text;
  const words = [status, ...said.codes, text].filter((word) => word !== "");
  const { party, what, credentialHint } = context;
  const message = `${party.side} ${what}: ${answer.url.host} answered ${words.join(" ")}`;
  if (isTransientStatus(answer.status)) {
    const afterMs = parseRetryAfter(headerOf(answer, "retry-after"), Date.now());
    const error = new ComposeImageError("NETWORK", message, {
      hint: answer.status === 429 ? "The registry limits how often it is asked: wait, or log in." : undefined,
    });
    return new Retryable(error, words.slice(0, 2).join(" "), { afterMs });
  }
  const code = codeOf(answer.status, said.codes, context.notFound);
  const hint =
    code === "UNAUTHORIZED" || code === "DENIED"
      ? credentialHint
      : (frontHint(answer.status, said.text) ??
        hints[code] ??
        (code === "REGISTRY_REJECTED" ? statusHints[answer.status] : undefined));
  return new ComposeImageError(code, message, { hint });
}

/** The error for an HTML page in place of a registry's answer, whatever its status says. */
export function pageError(answer: HttpAnswer, what: string, party: Party): ComposeImageError {
  return new ComposeImageError(
    "REGISTRY_REJECTED",
    `${party.side} ${what}: ${answer.url.host} answered ${answer.status} with an HTML page`,
    { hint: "Check that the address is a registry's, and that no proxy or login page answers in its place." },
  );
}

const hints: Partial<Record<ErrorCode, string>> = {
  DIGEST_MISMATCH: "The content read is not what its descriptor says, or a proxy on the way altered it.",
};

/** For what has no code of its own. */
const statusHints: Readonly<Record<number, string | undefined>> = {
  404: "Check the repository; some registries want it created first, or say the same of what this account may not see.",
  407: "The proxy wants credentials: put them into HTTPS_PROXY as http://user:password@host:port.",
};

function codeOf(status: number, codes: readonly string[], notFound: ErrorCode | undefined): ErrorCode {
  if (status === 401) return "UNAUTHORIZED";
  if (status === 403) return "DENIED";
  if (notFound === undefined && codes.some((code) => /^(?:MANIFEST_)?BLOB_UNKNOWN$/.test(code)))
    return "BLOB_UNKNOWN";
  if (status === 404) return notFound ?? "REGISTRY_REJECTED";
  if (codes.includes("DIGEST_INVALID")) return "DIGEST_MISMATCH";
  if (codes.includes("SIZE_INVALID")) return "SIZE_MISMATCH";
  return "REGISTRY_REJECTED";
}

async function readErrorBody(answer: HttpAnswer): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.body) {
      chunks.push(chunk.subarray(0, maxErrorBody - size));
      size += chunk.byteLength;
      if (size >= maxErrorBody) break;
    }
  } catch {
    // what was said before the connection broke is better than nothing
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** The registry's own words: error codes, and one line of text. */
interface RegistryWords {
  readonly codes: readonly string[];
  readonly text: string;
}

/**
 * Reads the body of an error: the spec's JSON, other JSON, HTML or XML, or plain text.
 *
 * @internal exported for its test
 */
export function parseErrorBody(body: string): RegistryWords {
  const text = body.trim();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { codes: [], text: redactText(visibleText(text)) };
  }
  const errors = isJsonObject(json) && Array.isArray(json.errors) ? json.errors.filter(isJsonObject) : [];
  if (errors.length === 0) {
    const word = isJsonObject(json)
      ? (json.message ?? json.error_description ?? json.error ?? json.details)
      : json;
    return { codes: [], text: redactText(typeof word === "string" ? word : text) };
  }
  const codes = errors.flatMap(({ code }) => (typeof code === "string" ? [redactText(code, 60)] : []));
  const sentences = errors.map(({ message, detail }) => {
    const empty =
      detail === undefined ||
      detail === null ||
      detail === "" ||
      (isJsonObject(detail) && Object.keys(detail).length === 0);
    const detailText = empty ? "" : ` (${typeof detail === "string" ? detail : jsonText(detail)})`;
    return `${typeof message === "string" ? message : ""}${detailText}`.trim();
  });
  return { codes, text: redactText(sentences.filter((sentence) => sentence !== "").join("; ")) };
}

/** The value as JSON, or `…` when it is nested too deeply to be written. */
function jsonText(value: Json): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "…";
  }
}

/** What a browser would show. No pattern runs past the next `<`: a body full of them must not cost seconds. */
function visibleText(text: string): string {
  if (!text.startsWith("<")) return text;
  const title = /<title[^<>]*>([^<]*)<\/title>/i.exec(text)?.[1];
  const xml = [/<Code>([^<]*)<\/Code>/, /<Message>([^<]*)<\/Message>/].map(
    (pattern) => pattern.exec(text)?.[1] ?? "",
  );
  return title ?? (xml.join(" ").trim() || text.replace(/<[^<>]*>/g, " "));
}
