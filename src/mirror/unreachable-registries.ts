import type { ComposeImageError } from "../model/errors.ts";
import { canonicalRegistry } from "../store/registry/hosts/api-host.ts";

/** Registries that could not be reached in this run, so that what is left to be asked of them fails at once. */
export class UnreachableRegistries {
  readonly #faults = new Map<string, ComposeImageError>();

  /** The fault itself, or the first one where the same registry was not reached before. */
  note(fault: ComposeImageError): ComposeImageError {
    if (fault.unreachable === undefined) return fault;
    const registry = canonicalRegistry(fault.unreachable);
    const first = this.#faults.get(registry) ?? fault;
    this.#faults.set(registry, first);
    return first;
  }

  /**
   * @param registries those that are about to be asked; `undefined` for what is none.
   * @throws ComposeImageError the fault of one that could not be reached.
   */
  expectReachable(...registries: readonly (string | undefined)[]): void {
    for (const registry of registries) {
      const fault = registry === undefined ? undefined : this.#faults.get(canonicalRegistry(registry));
      if (fault !== undefined) throw fault;
    }
  }
}
