import { onTestFinished } from "vitest";
import type { Side, TransferEvent } from "../../../src/io/transfer.ts";
import { RegistryClient, type RegistryClientOptions } from "../../../src/store/registry/client.ts";
import { expectNoSecrets } from "../../support/secrets.ts";
import { type Script, type ScriptedRegistry, startScriptedRegistry } from "./scripted-registry.ts";

/** Starts a scripted server that ends with the test. */
export async function startForTest(
  script: Script,
  options: Parameters<typeof startScriptedRegistry>[1] = {},
): Promise<ScriptedRegistry> {
  const registry = await startScriptedRegistry(script, options);
  onTestFinished(() => registry.close());
  return registry;
}

/** What a test wants of {@link openForTest} beside the client's own options. */
export interface OpenOptions extends RegistryClientOptions {
  /** Default `team/app`. */
  readonly repository?: string;
  /** Default `target`. */
  readonly side?: Side;
}

/** A repository through a client of its own, without the machine's settings, and closed with the test. */
export function openForTest(host: string, options: OpenOptions = {}) {
  const { repository = "team/app", side = "target", ...clientOptions } = options;
  const events: TransferEvent[] = [];
  const client = new RegistryClient({ env: {}, onTransfer: (event) => events.push(event), ...clientOptions });
  onTestFinished(() => {
    expectNoSecrets(JSON.stringify(events), "an event");
    return client.close();
  });
  return { target: client.repository(host, repository, side), events, client };
}
