import { parse } from "smol-toml";
import { describe, expect, test } from "vitest";
import { hostsToml } from "../../../src/mirror/far-side/hosts-toml.ts";
import { mirror, namesOf } from "./support.ts";

const names = namesOf(
  "quay.io/team/app > quay/team/app",
  "docker.io/library/debian > hub/library/debian",
  "docker.io/library/alpine > hub/library/alpine",
  "localhost:5001/tools > local/tools",
);

test("is one file for each registry, with its path at the mirror below /v2", () => {
  expect(hostsToml(names, mirror)).toEqual([
    {
      path: "certs.d/docker.io/hosts.toml",
      text: `server = "https://registry-1.docker.io"

[host."https://mirror.example:5000/v2/hub"]
capabilities = ["pull", "resolve"]
override_path = true
`,
    },
    {
      path: "certs.d/localhost:5001/hosts.toml",
      text: `server = "http://localhost:5001"

[host."https://mirror.example:5000/v2/local"]
capabilities = ["pull", "resolve"]
override_path = true
`,
    },
    {
      path: "certs.d/quay.io/hosts.toml",
      text: `server = "https://quay.io"

[host."https://mirror.example:5000/v2/quay"]
capabilities = ["pull", "resolve"]
override_path = true
`,
    },
  ]);
});

test("needs no path where the mirror has a registry at its root", () => {
  expect(hostsToml(namesOf("registry.example:8443/team/app > team/app"), mirror)).toEqual([
    {
      path: "certs.d/registry.example:8443/hosts.toml",
      text: `server = "https://registry.example:8443"

[host."https://mirror.example:5000"]
capabilities = ["pull", "resolve"]
`,
    },
  ]);
});

test("asks an insecure mirror by TLS that is not verified, and by plain HTTP", () => {
  const [file] = hostsToml(names, { ...mirror, insecure: true });
  expect(parse(file?.text ?? "")).toEqual({
    server: "https://registry-1.docker.io",
    host: {
      "http://mirror.example:5000/v2/hub": {
        capabilities: ["pull", "resolve"],
        override_path: true,
        skip_verify: true,
      },
    },
  });
});

test("is TOML whose host gives every repository's target, when its path is put before it", () => {
  for (const { path, text } of hostsToml(names, mirror)) {
    const [url = ""] = Object.keys(parse(text).host ?? {});
    const { host, pathname } = new URL(url);
    expect(host).toBe(mirror.registry);
    for (const { repository, target } of names.filter(({ registry }) => path.split("/")[1] === registry)) {
      expect(`${pathname}/${repository}`).toBe(`/v2/${target}`);
    }
  }
});

describe("is refused, with the repositories, where it would be wrong", () => {
  test.each([
    [
      "a repository that is renamed",
      ["a.example/x > m/x", "a.example/y > m/z"],
      /a\.example is: its repositories are not below one path of the mirror: a\.example\/x at m\/x, a\.example\/y at m\/z$/,
    ],
    ["repositories below two paths", ["a.example/x > m/x", "a.example/y > n/y"], /a\.example\/y at n\/y$/],
    [
      "another registry's repositories among them",
      ["a.example/x > x", "b.example/y > y"],
      /a\.example is: all of it would be asked for below the mirror's root, where y is not a\.example\/y but another repository$/,
    ],
    [
      "another registry's repositories below a path of theirs",
      ["a.example/x > m/x", "b.example/y > m/n/y"],
      /below m, where m\/n\/y is not a\.example\/n\/y but another repository$/,
    ],
    [
      "more of them than a message holds",
      Array.from({ length: 12 }, (_, i) => `a.example/x${i} > m/y${i}`),
      /, and 4 more$/,
    ],
  ])("%s", (_, lines, message) => {
    expect(() => hostsToml(namesOf(...lines), mirror)).toThrow(
      expect.objectContaining({
        code: "USAGE",
        message: expect.stringMatching(message),
        hint: expect.stringContaining("registries.conf"),
      }),
    );
  });
});
