import { expect, test } from "vitest";
import { digestOf } from "../../src/model/digest.ts";
import { cosignTags, fallbackTag, subjectOfTag } from "../../src/model/referrers.ts";

const bytes = Buffer.from("subject");
const [short, long] = [digestOf(bytes), digestOf(bytes, "sha512")];

test("the fallback tag has 64 characters of a digest", () => {
  expect(fallbackTag(short)).toBe(short.replace(":", "-"));
  expect(fallbackTag(long)).toBe(long.replace(":", "-").slice(0, "sha512-".length + 64));
});

test("cosign's tags are of digests that fit into a tag", () => {
  expect(cosignTags(short)).toEqual(
    ["sig", "att", "sbom"].map((suffix) => `${fallbackTag(short)}.${suffix}`),
  );
  expect(cosignTags(long)).toEqual([]);
});

test("a tag's name says what it is about", () => {
  for (const tag of [fallbackTag(short), ...cosignTags(short)]) expect(subjectOfTag(tag)).toBe(short);
  for (const tag of ["1.0", "sha256-abc", `${fallbackTag(short)}.tar`])
    expect(subjectOfTag(tag)).toBeUndefined();
});
