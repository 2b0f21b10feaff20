import fc from "fast-check";
import { expect, test } from "vitest";
import { parseChallenges } from "../../../../src/store/registry/auth/challenge.ts";

const read = (...lines: string[]) =>
  parseChallenges(lines).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test("a challenge has its parameters, quoted commas and escapes included", () => {
  expect(
    read('Bearer realm="https://auth.example/token",service="a \\"b\\"",scope="repository:x:pull,push"'),
  ).toEqual([
    ["bearer", { realm: "https://auth.example/token", service: 'a "b"', scope: "repository:x:pull,push" }],
  ]);
});

test("scheme and names may be in any case, values unquoted, spaces anywhere", () => {
  expect(read("BEARER  Realm = https://auth.example/token , SERVICE=x")).toEqual([
    ["bearer", { realm: "https://auth.example/token", service: "x" }],
  ]);
});

test("one line may hold several challenges, and there may be several lines", () => {
  expect(read('Negotiate abc==, Basic realm="r", Bearer realm="t"', "NTLM", "Digest")).toEqual([
    ["negotiate", {}],
    ["basic", { realm: "r" }],
    ["bearer", { realm: "t" }],
    ["ntlm", {}],
    ["digest", {}],
  ]);
});

test("an open quote ends with the line", () => {
  expect(read('Bearer realm="https://auth.example')).toEqual([["bearer", { realm: "https://auth.example" }]]);
});

test("any text is read to its end", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'aB=, "\\\t/:é'), maxLength: 60 }), (text) => {
      expect(Array.isArray(parseChallenges([text]))).toBe(true);
    }),
  );
});

test("what is written by the grammar is read back", () => {
  const token = fc.stringMatching(/^[a-z]{1,8}$/);
  const parameters = fc.dictionary(token, fc.string({ unit: "grapheme-ascii", maxLength: 12 }), {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(token, parameters), { maxLength: 4 }), (challenges) => {
      const line = challenges
        .map(([scheme, values]) => {
          const pairs = Object.entries(values).map(
            ([name, value]) => `${name}="${value.replace(/["\\]/g, "\\$&")}"`,
          );
          return `${scheme} ${pairs.join(", ")}`;
        })
        .join(", ");
      expect(read(line)).toEqual(challenges);
    }),
  );
});
