import { describe, expect, it } from "vitest";
import {
  Digester,
  digestAlgorithm,
  digestHex,
  digestOf,
  isDigest,
  parseDigest,
} from "../../src/model/digest.ts";

const sha256 = `sha256:${"0a".repeat(32)}`;
const sha512 = `sha512:${"f".repeat(128)}`;

describe("a digest", () => {
  it.each([sha256, sha512])("%s is read as it is written", (text) => {
    const digest = parseDigest(text);
    expect(digest).toBe(text);
    expect(`${digestAlgorithm(digest)}:${digestHex(digest)}`).toBe(text);
  });

  it.each([
    "",
    "sha256",
    "sha256:",
    "0a".repeat(32),
    sha256.toUpperCase(),
    `sha256:${"0A".repeat(32)}`,
    sha256.slice(0, -1),
    `${sha256}0`,
    `${sha256}\n`,
    ` ${sha256}`,
    `sha256:${"0g".repeat(32)}`,
    `sha384:${"0".repeat(96)}`,
    `md5:${"0".repeat(32)}`,
    `sha512:${"0".repeat(64)}`,
    `sha256:../../${"0".repeat(58)}`,
  ])("is not %j", (text) => {
    expect(isDigest(text)).toBe(false);
    expect(() => parseDigest(text)).toThrow(
      expect.objectContaining({ code: "DIGEST_INVALID", hint: expect.stringContaining("sha256:") }),
    );
  });

  it("that is refused is not repeated at any length", () => {
    expect(() => parseDigest("x".repeat(10_000))).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{0,200}$/) }),
    );
  });

  it("is none that is no text", () => {
    for (const value of [undefined, null, 7, {}, [sha256]]) expect(isDigest(value)).toBe(false);
  });

  it("is of the bytes, in whatever pieces they come", () => {
    const digester = new Digester();
    for (const piece of ["a", "", "bc"]) digester.update(Buffer.from(piece));
    expect(digester.size).toBe(3);
    expect(digester.digest()).toBe("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(digestOf(Buffer.from("abc"))).toBe(
      "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    expect(digestOf(Buffer.from("abc"), "sha512")).toMatch(/^sha512:ddaf35a1/);
  });
});
