import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SpoolFile } from "../../src/io/spool-file.ts";
import { temporaryDirectory } from "../support/temp.ts";

const KiB = 1024;

/** A stretch of zeros or of something else. */
const stretch = fc.record({ byte: fc.constantFrom(0, 0, 7), size: fc.integer({ min: 1, max: 300 * KiB }) });

describe("a spool file", () => {
  it("gives back what was written, zeros and all, wherever it is read", async () => {
    const directory = await temporaryDirectory("spool-file");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(stretch, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
          minLength: 1,
          maxLength: 40,
        }),
        async (pieces, places) => {
          const file = new SpoolFile(directory);
          try {
            const written: Buffer[] = [];
            for (const stretches of pieces) {
              const bytes = Buffer.concat(stretches.map(({ byte, size }) => Buffer.alloc(size, byte)));
              await file.append(bytes);
              written.push(bytes);
            }
            const whole = Buffer.concat(written);
            expect(file.size).toBe(whole.byteLength);
            for (const place of places) {
              const position = Math.floor(place * whole.byteLength);
              const read = await file.read(position);
              expect(read.byteLength).toBeGreaterThan(0);
              expect(read.equals(whole.subarray(position, position + read.byteLength))).toBe(true);
            }
          } finally {
            await file.close();
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("serves readers at many places, each going on from where it was, from a few reads", async () => {
    const file = new SpoolFile(await temporaryDirectory("spool-file"));
    try {
      const readers = 12;
      const size = 512 * KiB;
      for (let reader = 0; reader < readers; reader++) await file.append(Buffer.alloc(size, reader + 1));
      let reads = 0;
      for (let at = 0; at < size; at += 4 * KiB) {
        for (let reader = 0; reader < readers; reader++) {
          const position = reader * size + at;
          if (file.known(position) === undefined) reads += 1;
          expect((await file.read(position))[0]).toBe(reader + 1);
        }
      }
      expect(reads).toBeLessThanOrEqual(readers * 5);
    } finally {
      await file.close();
    }
  });
});
