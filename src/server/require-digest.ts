import { type Digest, isDigest } from "../model/digest.ts";
import { Refusal } from "./refusal.ts";

/** @throws Refusal `DIGEST_INVALID` */
export function requireDigest(text: string | null): Digest {
  if (isDigest(text)) return text;
  throw new Refusal(
    400,
    "DIGEST_INVALID",
    text === null
      ? "the query parameter digest is missing"
      : "the digest is malformed, or of an unknown algorithm",
  );
}
