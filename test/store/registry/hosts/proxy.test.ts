import { describe, expect, test } from "vitest";
import { type Environment, proxyFor } from "../../../../src/store/registry/hosts/proxy.ts";

const env: Environment = { HTTPS_PROXY: "http://proxy.example:3128", http_proxy: "plain.example:8080" };
const proxyOf = (url: string, extra: Environment = {}) => proxyFor(new URL(url), { ...env, ...extra })?.host;

test("the scheme of the URL chooses the proxy", () => {
  expect(proxyOf("https://registry.example/")).toBe("proxy.example:3128");
  expect(proxyOf("http://registry.example/")).toBe("plain.example:8080");
  expect(proxyFor(new URL("https://registry.example/"), {})).toBeUndefined();
});

test.each(["http://127.0.0.1:5000/", "https://localhost/", "http://[::1]/"])("%s is never proxied", (url) => {
  expect(proxyOf(url)).toBeUndefined();
});

test("lower case comes before upper case", () => {
  expect(proxyOf("https://registry.example/", { https_proxy: "http://lower.example:1" })).toBe(
    "lower.example:1",
  );
  expect(proxyOf("https://10.0.0.1/", { no_proxy: "10.0.0.1", NO_PROXY: "10.0.0.2" })).toBeUndefined();
});

test("HTTP_PROXY of a CGI program is what its client sent, and not looked at", () => {
  const cgi = { REQUEST_METHOD: "GET", http_proxy: undefined, HTTP_PROXY: "http://evil.example:1" };
  expect(proxyOf("http://registry.example/", cgi)).toBeUndefined();
  expect(proxyOf("https://registry.example/", cgi)).toBe("proxy.example:3128");
});

describe("NO_PROXY", () => {
  test.each([
    ["registry.example", "https://registry.example/", true],
    ["example", "https://registry.example/", true],
    [".example", "https://registry.example/", true],
    [".registry.example", "https://registry.example/", false],
    ["*.example", "https://registry.example/", true],
    ["*.registry.example", "https://registry.example/", false],
    ["other, REGISTRY.EXAMPLE", "https://registry.example/", true],
    ["gistry.example", "https://registry.example/", false],
    ["registry.example:443", "https://registry.example/", true],
    ["registry.example:5000", "https://registry.example/", false],
    ["*", "https://registry.example/", true],
    ["10.0.0.0/8", "https://10.2.3.4/", true],
    ["10.0.0.0/8", "https://11.2.3.4/", false],
    ["fd00::/8", "https://[fd12::1]/", true],
    ["[fd12::1]:443", "https://[fd12::1]/", true],
    ["10.0.0.0/99", "https://10.2.3.4/", false],
    [",, ,", "https://registry.example/", false],
  ])("%j exempts %s: %j", (noProxy, url, exempt) => {
    expect(proxyOf(url, { NO_PROXY: noProxy }) === undefined).toBe(exempt);
  });
});

test("a proxy that is no URL is an error that does not show its value", () => {
  const broken = { HTTPS_PROXY: "ftp://user:secret@host" };
  expect(() => proxyFor(new URL("https://registry.example/"), broken)).toThrow(
    expect.objectContaining({ code: "USAGE", message: expect.not.stringContaining("secret") }),
  );
});
