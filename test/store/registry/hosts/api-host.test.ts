import { expect, test } from "vitest";
import { apiUrl, canonicalRegistry, isInsecureHost } from "../../../../src/store/registry/hosts/api-host.ts";

test("Docker Hub's names are one registry, served by a host of another name", () => {
  expect(["docker.io", "index.docker.io", "Registry-1.docker.io"].map(canonicalRegistry)).toEqual([
    "docker.io",
    "docker.io",
    "docker.io",
  ]);
  expect(apiUrl("docker.io", "https").href).toBe("https://registry-1.docker.io/");
});

test("any other registry is served by the host it is named after", () => {
  expect(apiUrl("registry.example:5000", "http").href).toBe("http://registry.example:5000/");
  expect(apiUrl("[::1]:5000", "http").href).toBe("http://[::1]:5000/");
});

test.each(["a b", "user@host", "host/path", "host?x"])("%j is no registry", (registry) => {
  expect(() => apiUrl(registry, "https")).toThrow(expect.objectContaining({ code: "REFERENCE_INVALID" }));
});

test("a host is insecure when it is named with its port or without any", () => {
  expect(isInsecureHost("registry.example:5000", ["registry.example:5000"])).toBe(true);
  expect(isInsecureHost("registry.example:5000", ["Registry.example"])).toBe(true);
  expect(isInsecureHost("registry.example:5000", ["registry.example:5001", "example"])).toBe(false);
});
