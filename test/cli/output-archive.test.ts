import { describe, expect, it } from "vitest";
import { archivesOnOutput, expectOutputFree } from "../../src/cli/output-archive.ts";
import { parseComposeFlags } from "../../src/frontends/flags/compose-flags.ts";
import type { ComposePlan } from "../../src/plan/compose-plan.ts";

const planOf = (...tag: string[]): ComposePlan =>
  parseComposeFlags({ builder: "r.example/b:1", base: "scratch", directory: ["/app"], tag });
const piped = { isOutputTerminal: false };

describe("an archive on standard output", () => {
  it("is fine where nothing else goes there, whatever goes elsewhere", () => {
    const archives = archivesOnOutput([
      planOf("r.example/a:1", "docker-archive:-:app:1", "docker-archive:/dev/stdout:app:2"),
      planOf("oci-archive:a.tar"),
    ]);
    expect(archives).toHaveLength(1);
    expectOutputFree(archives, {}, piped);
    expectOutputFree([], { json: true }, { isOutputTerminal: true });
  });

  it.each([
    ["on a terminal", [planOf("oci-archive:-")], {}, { isOutputTerminal: true }, "terminal"],
    ["with --json", [planOf("oci-archive:-")], { json: true }, piped, "--json"],
    ["of two images", [planOf("oci-archive:-:a"), planOf("oci-archive:-:b")], {}, piped, "one image"],
  ] as const)("is refused %s", (_, plans, flags, terminal, message) => {
    expect(() => expectOutputFree(archivesOnOutput(plans), flags, terminal)).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringContaining(message),
        hint: expect.any(String),
      }),
    );
  });
});
