import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { TlsSettings } from "../../../../src/store/registry/hosts/tls.ts";
import { temporaryDirectory } from "../../../support/temp.ts";
import { loopbackCertificate } from "./loopback-certificate.ts";

const url = new URL("https://registry.example:5000/");
let home: string;
let cert: string;
let key: string;

beforeEach(async () => {
  home = await temporaryDirectory("tls");
  cert = join(home, "client.pem");
  key = join(home, "key.pem");
  await writeFile(cert, loopbackCertificate.cert);
  await writeFile(key, loopbackCertificate.key);
});

describe("a mistake in what was named shows at once:", () => {
  test.each([
    ["a CA file that is not there", { caFile: "/absent/ca.crt" }, "/absent/ca.crt"],
    ["a certificate directory that is not there", { certDir: "/absent/certs" }, "/absent/certs"],
    ["a client certificate that is not there", { cert: "/absent/cert", key: "/absent/key" }, "/absent/cert"],
  ])("%s", (_, files, named) => {
    expect(() => new TlsSettings(files, { HOME: home })).toThrow(
      expect.objectContaining({ code: "USAGE", message: expect.stringContaining(named) }),
    );
  });

  test("a client certificate without a key, or a key without one", () => {
    expect(() => new TlsSettings({ cert }, { HOME: home })).toThrow(/client\.pem has no key with it/);
    expect(() => new TlsSettings({ key }, { HOME: home })).toThrow(/key\.pem has no certificate with it/);
  });
});

test("hosts share their settings, but for those that certs.d has a directory for", async () => {
  await mkdir(join(home, ".config/containers/certs.d/registry.example:5000"), { recursive: true });
  const settings = new TlsSettings({ cert, key }, { HOME: home });
  const [a, b] = [new URL("https://a.example/"), new URL("https://b.example/")];
  expect(settings.context(a)).toBe(settings.context(b));
  expect(settings.context(url)).not.toBe(settings.context(a));
});

test("a certificate directory that was named takes the place of certs.d", async () => {
  await mkdir(join(home, ".config/containers/certs.d/registry.example:5000"), { recursive: true });
  const certDir = await temporaryDirectory("certs");
  expect(new TlsSettings({ certDir }, { HOME: home }).directoryFor(url)).toBeUndefined();
});

test.each(["SSL_CERT_FILE", "SSL_CERT_DIR"])("%s that is not there is named", (name) => {
  const settings = new TlsSettings({}, { HOME: home, [name]: "/absent/authorities" });
  expect(() => settings.context(url)).toThrow(
    expect.objectContaining({
      code: "USAGE",
      message: `the ${name} /absent/authorities cannot be read: no such file or directory`,
    }),
  );
});
