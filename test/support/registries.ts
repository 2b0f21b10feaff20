import { startDockerRegistry } from "./docker-registry.ts";
import { startEmbeddedRegistry } from "./embedded-registry.ts";
import type { Registry } from "./registry.ts";
import type { Need } from "./tools.ts";

/** A kind of registry that end-to-end tests run against. */
export interface RegistryKind {
  readonly name: string;
  readonly needs: readonly Need[];
  /** Whether it tells how much of a broken upload it has. docker-registry forgets. */
  readonly resumesUploads: boolean;
  readonly start: () => Promise<Registry>;
}

/** Every kind of registry, for a loop around `describeWith`. */
export const registryKinds: readonly RegistryKind[] = [
  {
    name: "docker-registry",
    needs: ["docker-registry"],
    resumesUploads: false,
    start: () => startDockerRegistry(),
  },
  { name: "the embedded registry", needs: ["cli"], resumesUploads: true, start: startEmbeddedRegistry },
];
