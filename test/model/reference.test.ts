import { describe, expect, it } from "vitest";
import { formatLocation, parseLocation } from "../../src/model/location.ts";
import { formatReference, parseReference } from "../../src/model/reference.ts";

const digest = `sha256:${"0".repeat(64)}`;

describe("a reference", () => {
  it.each([
    ["debian", "docker.io/library/debian:latest"],
    ["debian:12", "docker.io/library/debian:12"],
    ["team/app", "docker.io/team/app:latest"],
    ["docker.io/debian", "docker.io/library/debian:latest"],
    ["index.docker.io/library/debian", "docker.io/library/debian:latest"],
    ["registry-1.docker.io/debian:1", "docker.io/library/debian:1"],
    ["registry.example/app", "registry.example/app:latest"],
    ["docker://registry.example/app:1", "registry.example/app:1"],
    ["localhost/app", "localhost/app:latest"],
    ["localhost:5000/app:1.2", "localhost:5000/app:1.2"],
    ["LOCALHOST/app", "LOCALHOST/app:latest"],
    ["127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest"],
    ["[::1]:5000/app:x", "[::1]:5000/app:x"],
    ["[2001:db8::1]/app", "[2001:db8::1]/app:latest"],
    ["localhost:5000", "docker.io/library/localhost:5000"],
    [`registry.example/app@${digest}`, `registry.example/app@${digest}`],
    [`registry.example/app:1@${digest}`, `registry.example/app:1@${digest}`],
    ["r.example/a__b/c--d/e.f_g", "r.example/a__b/c--d/e.f_g:latest"],
    [`r.example/app:${"t".repeat(128)}`, `r.example/app:${"t".repeat(128)}`],
    ["r.example/app:_1.2-x", "r.example/app:_1.2-x"],
  ])("%s means %s", (text, full) => {
    const reference = parseReference(text);
    expect(formatReference(reference)).toBe(full);
    expect(parseReference(full)).toEqual(reference);
  });

  it.each([
    ["", "empty"],
    ["docker://", "empty"],
    ["https://registry.example/app", "scheme"],
    ["registry.example/", "not a repository"],
    ["registry.example/App", "upper-case"],
    ["Debian", "upper-case"],
    ["registry.example/app:", "not a tag"],
    ["registry.example/app:-x", "not a tag"],
    [`registry.example/app:${"t".repeat(129)}`, "not a tag"],
    ["registry.example/app:a b", "not a tag"],
    ["registry.example/app@sha256:12", "not a digest"],
    [`registry.example/app@${digest}@${digest}`, "not a digest"],
    ["registry.example//app", "not a repository"],
    ["registry.example/a..b", "not a repository"],
    ["registry.example/../app", "not a repository"],
    ["registry.example/-a", "not a repository"],
    ["registry.example/a___b", "not a repository"],
    ["-x.example/app", "host"],
    ["exa mple.com/app", "host"],
    ["registry.example:port/app", "host"],
    ["registry.example:123456/app", "host"],
    ["user:secret@registry.example/app", "user and password"],
    ["https://user:secret@registry.example/app", "user and password"],
    ["docker://user:secret@registry.example:5000/app:1", "user and password"],
    [`r.example/${"a/".repeat(124)}a`, "longer than 255"],
    ["r.example/app\n", "not a repository"],
  ])("%j is refused: %s", (text, what) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({
        code: "REFERENCE_INVALID",
        message: expect.stringMatching(what),
        hint: expect.any(String),
      }),
    );
  });

  it("with a user and a password is refused without repeating them", () => {
    for (const text of [
      "user:secret@r.example/app",
      "user:secret@r.example",
      "http://u:secret@r.example:5000/a",
    ]) {
      expect(() => parseReference(text)).toThrow(
        expect.objectContaining({
          message: expect.not.stringContaining("secret"),
          hint: expect.stringContaining("Log in"),
        }),
      );
    }
  });
});

describe("a location", () => {
  it.each([
    ["oci:build/app", { transport: "oci", directory: "build/app" }],
    ["oci:/a/b:1.2", { transport: "oci", directory: "/a/b", tag: "1.2" }],
    ["oci:dir:registry.example/app:1", { transport: "oci", directory: "dir", tag: "registry.example/app:1" }],
    ["oci:.", { transport: "oci", directory: "." }],
  ])("%s is a layout", (text, location) => {
    expect(parseLocation(text)).toEqual(location);
    expect(formatLocation(parseLocation(text))).toBe(text);
  });

  it.each([
    ["oci-archive:build/app.tar", { transport: "oci-archive", file: "build/app.tar" }],
    ["oci-archive:/a/b.tar:1.2", { transport: "oci-archive", file: "/a/b.tar", tag: "1.2" }],
    ["oci-archive:-", { transport: "oci-archive", file: "-" }],
    ["docker-archive:app.tar", { transport: "docker-archive", file: "app.tar" }],
    [
      "docker-archive:app.tar:localhost:5000/app:1",
      {
        transport: "docker-archive",
        file: "app.tar",
        reference: { registry: "localhost:5000", repository: "app", tag: "1" },
      },
    ],
  ])("%s is an archive", (text, location) => {
    expect(parseLocation(text)).toEqual(location);
    expect(formatLocation(parseLocation(text))).toBe(text);
  });

  it("of docker's archives has a name in full, however it is written", () => {
    expect(formatLocation(parseLocation("docker-archive:a.tar:debian"))).toBe(
      "docker-archive:a.tar:docker.io/library/debian:latest",
    );
  });

  it("on standard output may be written as a device", () => {
    expect(formatLocation(parseLocation("docker-archive:/dev/stdout:app:1"))).toBe(
      "docker-archive:-:docker.io/library/app:1",
    );
    expect(formatLocation(parseLocation("oci-archive:/dev/stdout"))).toBe("oci-archive:-");
  });

  it.each([
    ["oci-archive:", "oci-archive:FILE"],
    ["oci-archive::1", "oci-archive:FILE"],
    ["oci-archive:a.tar:", "oci-archive:FILE:TAG"],
    ["oci-archive:a.tar:a b", "oci-archive:FILE:TAG"],
    ["oci-archive:a.tar:@0", "oci-archive:FILE:TAG"],
    ["docker-archive:", "docker-archive:FILE"],
    ["docker-archive:a.tar:", "registry.example/team/app"],
    ["docker-archive:a.tar:App", "lower case"],
    ["docker-archive:a.tar:@0", "64"],
    [`docker-archive:a.tar:app@${digest}`, "from @ on"],
  ])("%s is refused: %s", (text, hint) => {
    expect(() => parseLocation(text)).toThrow(
      expect.objectContaining({ code: "REFERENCE_INVALID", hint: expect.stringContaining(hint) }),
    );
  });

  it("without a transport is in a registry", () => {
    expect(parseLocation("r.example/app:1")).toMatchObject({ transport: "registry" });
    expect(formatLocation(parseLocation("docker://r.example/app:1"))).toBe("r.example/app:1");
  });

  it.each([
    "oci:",
    "oci::tag",
    "oci:dir:",
    "oci:dir:a b",
    "oci:dir:-x",
    "docker-daemon:x",
    "dir:/x",
    "containers-storage:x",
  ])("%s is refused with a hint", (text) => {
    expect(() => parseLocation(text)).toThrow(
      expect.objectContaining({ code: "REFERENCE_INVALID", hint: expect.stringContaining("oci:DIR") }),
    );
  });
});
