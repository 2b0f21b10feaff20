import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import {
  certsDirectories,
  findCertsDirectory,
  readCertsDirectory,
} from "../../../../src/store/registry/hosts/certs-directory.ts";
import { temporaryDirectory } from "../../../support/temp.ts";
import { loopbackCertificate } from "./loopback-certificate.ts";

const { cert, key } = loopbackCertificate;

test("the user's certs.d comes before the system's, and podman's before docker's", () => {
  expect(certsDirectories({ HOME: "/home/me" })).toEqual([
    "/home/me/.config/containers/certs.d",
    "/etc/containers/certs.d",
    "/etc/docker/certs.d",
  ]);
});

describe("the directory of a registry", () => {
  let parents: [string, string];

  beforeEach(async () => {
    const home = await temporaryDirectory("certs");
    parents = [join(home, "first"), join(home, "second")];
  });

  const add = async (parent: number, name: string): Promise<string> => {
    const directory = join(parents[parent] ?? "", name);
    await mkdir(directory, { recursive: true });
    return directory;
  };

  test("is the first there is", async () => {
    const second = await add(1, "registry.example:5000");
    expect(findCertsDirectory(new URL("https://registry.example:5000/v2/"), parents)).toBe(second);
    const first = await add(0, "registry.example:5000");
    expect(findCertsDirectory(new URL("https://registry.example:5000/v2/"), parents)).toBe(first);
  });

  test("has the registry's port, but for TLS's own, which may be left out", async () => {
    await add(0, "registry.example");
    expect(findCertsDirectory(new URL("https://registry.example:5000/"), parents)).toBeUndefined();
    const other = await add(0, "other.example:443");
    expect(findCertsDirectory(new URL("https://other.example/"), parents)).toBe(other);
  });

  test("of Docker Hub has the name that references have", async () => {
    const hub = await add(0, "docker.io");
    expect(findCertsDirectory(new URL("https://registry-1.docker.io/v2/"), parents)).toBe(hub);
  });
});

describe("a registry's directory", () => {
  let directory: string;

  beforeEach(async () => {
    directory = await temporaryDirectory("certs-host");
  });

  const write = (name: string, content: string) => writeFile(join(directory, name), content);

  test("holds authorities as *.crt and client certificates as *.cert with *.key", async () => {
    await write("ca.crt", `${cert}${cert}`);
    await write("client.cert", cert);
    await write("client.key", key);
    await write("README", "not looked at");
    const read = readCertsDirectory(directory);
    expect(read.authorities).toEqual([cert.trim(), cert.trim()]);
    expect(read.clients).toEqual([{ cert, key }]);
  });

  test.each([
    ["client.cert", "client.key"],
    ["client.key", "client.cert"],
  ])("with %s but no %s is an error that names both", async (present, absent) => {
    await write(present, present.endsWith("key") ? key : cert);
    expect(() => readCertsDirectory(directory)).toThrow(
      expect.objectContaining({ code: "USAGE", message: `${directory} has ${present} but no ${absent}` }),
    );
  });

  test.each([
    ["ca.crt", "nothing", "has no certificate in it"],
    ["ca.crt", cert.replace("MIIBozCC", "AAAAAAAA"), "has a damaged certificate in it"],
  ])("with a %s that is none names the file", async (name, content, what) => {
    await write(name, content);
    expect(() => readCertsDirectory(directory)).toThrow(
      expect.objectContaining({ code: "USAGE", message: `the CA file ${join(directory, name)} ${what}` }),
    );
  });

  test("with a key of another certificate names both files", async () => {
    await write("client.cert", cert);
    await write("client.key", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n");
    expect(() => readCertsDirectory(directory)).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringMatching(/client\.cert .*client\.key/),
      }),
    );
  });

  test("with a file that cannot be read names it", async () => {
    await mkdir(join(directory, "ca.crt"));
    expect(() => readCertsDirectory(directory)).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: `the CA file ${join(directory, "ca.crt")} cannot be read: it is a directory`,
      }),
    );
  });
});
