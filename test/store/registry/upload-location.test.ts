import { expect, test } from "vitest";
import { parseDigest } from "../../../src/model/digest.ts";
import { resolveUploadLocation, withDigest } from "../../../src/store/registry/upload-location.ts";

const party = { side: "target", registry: "registry.example", store: "registry.example/app" } as const;
const asked = new URL("https://registry.example:5000/v2/app/blobs/uploads/");

test.each([
  [
    "/v2/app/blobs/uploads/1?_state=a%2Bb",
    "https://registry.example:5000/v2/app/blobs/uploads/1?_state=a%2Bb",
  ],
  ["1", "https://registry.example:5000/v2/app/blobs/uploads/1"],
  ["//storage.example/u", "https://storage.example/u"],
  ["registry.example:5000/v2/u", "https://registry.example:5000/v2/u"],
  ["https://storage.example/u?sig=x", "https://storage.example/u?sig=x"],
])("the location %j is %s", (location, expected) => {
  expect(resolveUploadLocation(location, asked, party).href).toBe(expected);
});

test("a plain HTTP location behind TLS is refused with a hint at the proxy", () => {
  expect(() => resolveUploadLocation("http://registry.example/u?sig=secret", asked, party)).toThrow(
    expect.objectContaining({
      code: "REGISTRY_REJECTED",
      message: expect.not.stringContaining("secret"),
      hint: expect.stringContaining("X-Forwarded-Proto"),
    }),
  );
});

test.each([undefined, " ", "mailto:me"])("the location %j is refused", (location) => {
  expect(() => resolveUploadLocation(location, asked, party)).toThrow(
    expect.objectContaining({ code: "REGISTRY_REJECTED" }),
  );
});

test("the digest is appended to the query, which stays as it is byte for byte", () => {
  const digest = parseDigest(`sha256:${"a".repeat(64)}`);
  const plain = withDigest(new URL("https://h.example/u"), digest);
  expect(plain.search).toBe(`?digest=sha256%3A${"a".repeat(64)}`);
  const queried = withDigest(new URL("https://h.example/u?_state=a%2Bb~c+d&x"), digest);
  expect(queried.search).toBe(`?_state=a%2Bb~c+d&x&digest=sha256%3A${"a".repeat(64)}`);
});

test.each(["https://127.0.0.1:2375/containers", "https://169.254.169.254/latest"])(
  "the location %s is not asked for a registry elsewhere",
  (location) => {
    expect(() => resolveUploadLocation(location, asked, party)).toThrow(
      expect.objectContaining({
        code: "REGISTRY_REJECTED",
        message: expect.stringContaining("is not asked"),
      }),
    );
  },
);
