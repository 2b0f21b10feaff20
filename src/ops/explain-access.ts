import { unstoppable } from "../io/call.ts";
import { RegistryClient, type RegistryClientOptions } from "../store/registry/client.ts";
import type { AccessExplanation, AccessQuestion } from "../store/registry/explain-access.ts";

/** Options of {@link explainAccess}. */
export interface ExplainAccessOptions extends RegistryClientOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Finds out how a registry lets in to an image, without writing or beginning anything there. */
export async function explainAccess(
  question: AccessQuestion,
  options: ExplainAccessOptions = {},
): Promise<AccessExplanation> {
  const { signal } = options;
  const client = new RegistryClient(options);
  try {
    return await client.explainAccess(question, signal === undefined ? unstoppable : { signal });
  } finally {
    await client.close();
  }
}
