import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StagedBodies, StagedRun } from "../../src/layers/staged-bodies.ts";

describe("staged bodies", () => {
  it("are found by the offset of their header, whichever reading put them aside, and no others", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 45 }), { maxLength: 60 }), { maxLength: 4 }),
        fc.array(fc.integer({ min: 0, max: 2 ** 45 }), { maxLength: 10 }),
        (runs, others) => {
          const bodies = new StagedBodies();
          const expected = new Map<number, { offset: number; size: number }>();
          for (const offsets of runs) {
            const run = new StagedRun();
            for (const offset of offsets.filter((each) => !expected.has(each)).sort((a, b) => a - b)) {
              const extent = { offset: 2 ** 40 + expected.size, size: expected.size };
              expected.set(offset, extent);
              run.push(offset, extent);
            }
            bodies.add(run);
          }
          for (const offset of [...expected.keys(), ...others])
            expect(bodies.get(offset)).toEqual(expected.get(offset));
        },
      ),
    );
  });
});
