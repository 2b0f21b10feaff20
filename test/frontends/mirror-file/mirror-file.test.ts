import { describe, expect, it } from "vitest";
import { parseMirrorFile } from "../../../src/frontends/mirror-file/mirror-file.ts";

const digest = `sha256:${"0".repeat(64)}`;

const targets = (text: string): string[] => parseMirrorFile(text).repositories.map(({ target }) => target);

describe("a mirror.yaml", () => {
  it("becomes a plan with all that it says", () => {
    const text = `repositories:
  - name: docker.io/library/debian
    tags:
      - bookworm
      - 1.10
      - "*-slim"
      - glob: "bookworm-*"
      - regex: "^v[0-9]+$"
      - semver: ">=1.2 <2"
        prereleases: true
    exclude: ["*-debug"]
    digests: ["${digest}"]
    latest: 3
    maxAge: 90d
    platforms: [linux/amd64, linux/arm64/v8]
    referrers: false
    as: debian
hosts:
  docker.io: {requestsPerSecond: 0.5, bytesPerSecond: 20MB, concurrency: 3}
  "*": {concurrency: 8}
`;
    expect(parseMirrorFile(text, { name: "m" })).toEqual({
      repositories: [
        {
          place: "m:2:5: repositories[0]",
          registry: "docker.io",
          repository: "library/debian",
          target: "debian",
          tags: [
            { kind: "name", name: "bookworm", place: "m:4:9: repositories[0].tags[0]" },
            { kind: "name", name: "1.10", place: "m:5:9: repositories[0].tags[1]" },
            { kind: "glob", pattern: "*-slim", place: "m:6:9: repositories[0].tags[2]" },
            { kind: "glob", pattern: "bookworm-*", place: "m:7:9: repositories[0].tags[3]" },
            { kind: "regex", pattern: "^v[0-9]+$", place: "m:8:9: repositories[0].tags[4]" },
            { kind: "semver", range: ">=1.2 <2", prereleases: true, place: "m:9:9: repositories[0].tags[5]" },
          ],
          exclude: [{ kind: "glob", pattern: "*-debug", place: "m:11:15: repositories[0].exclude[0]" }],
          digests: [digest],
          latest: 3,
          maxAgeMs: 90 * 24 * 3600 * 1000,
          platforms: [
            { os: "linux", architecture: "amd64" },
            { os: "linux", architecture: "arm64" },
          ],
          referrers: false,
        },
      ],
      hosts: {
        "docker.io": { requestsPerSecond: 0.5, bytesPerSecond: 20 * 1024 * 1024, concurrency: 3 },
        "*": { concurrency: 8 },
      },
    });
  });

  it("has all platforms and the referrers of what it names, unless it says otherwise", () => {
    const text = `repositories: [{name: a.io/b, tags: [c]}, {name: a.io/d, tags: [e], platforms: all, referrers: true}]`;
    expect(parseMirrorFile(text).repositories).toMatchObject([
      { platforms: undefined, referrers: true },
      { platforms: undefined, referrers: true },
    ]);
    expect(parseMirrorFile(`${text}\nplatforms: arm64\nreferrers: false`).repositories).toMatchObject([
      { platforms: [{ os: "linux", architecture: "arm64" }], referrers: false },
      { platforms: undefined, referrers: true },
    ]);
  });

  it("may name a single image", () => {
    const text = `repositories: [{name: "debian:1.10"}, {name: "docker://a.io:5000/b@${digest}"}]`;
    expect(parseMirrorFile(text, { name: "m" }).repositories).toMatchObject([
      {
        repository: "library/debian",
        tags: [{ kind: "name", name: "1.10", place: "m:1:23: repositories[0].name" }],
        digests: [],
      },
      { registry: "a.io:5000", repository: "b", tags: [], digests: [digest] },
    ]);
  });

  it("gives repositories the paths that they have, without the registry", () => {
    expect(targets("repositories: [{name: debian, tags: [a]}, {name: 'a.io:5000/b/c', tags: [a]}]")).toEqual([
      "library/debian",
      "b/c",
    ]);
  });

  it("gives repositories the paths that the first fitting rule says, in whole parts, below the prefix", () => {
    const names = ["debian", "bitnami/redis", "quay.io/a/b", "quay.io/ab/c", "ghcr.io/x", "a.io/y"];
    const repositories = names.map((name) => `  - {name: ${name}, tags: [a]}\n`).join("");
    const map = `map:
  - {replace: docker.io/library/, with: hub}
  - {replace: docker.io/library/debian, with: never}
  - {replace: docker.io, with: /docker/}
  - {replace: quay.io/a/, with: ""}
  - {replace: ghcr.io/x, with: exactly/this}
`;
    const paths = ["hub/debian", "docker/bitnami/redis", "b", "ab/c", "exactly/this", "y"];
    expect(targets(`repositories:\n${repositories}${map}`)).toEqual(paths);
    expect(targets(`repositories:\n${repositories}${map}prefix: /m/n/`)).toEqual(
      paths.map((path) => `m/n/${path}`),
    );
  });

  it("leaves paths alone that are written out", () => {
    const rest = "map: [{replace: docker.io, with: hub}]\nprefix: m\n";
    expect(targets(`repositories: [{name: debian, tags: [a], as: os/debian}]\n${rest}`)).toEqual([
      "os/debian",
    ]);
  });

  it("has variables, which are no YAML, and dollar signs in expressions", () => {
    const text = `repositories:
  - name: \${REGISTRY}/app
    tags: ["\${VERSION}", {regex: "^\${VERSION}-[a-z]+$"}, {regex: "x$$"}, {glob: "\${NONE:-y*}"}]
`;
    const variables = { REGISTRY: "a.io", VERSION: "1.10" };
    expect(parseMirrorFile(text, { variables }).repositories).toMatchObject([
      {
        registry: "a.io",
        tags: [{ name: "1.10" }, { pattern: "^1.10-[a-z]+$" }, { pattern: "x$" }, { pattern: "y*" }],
      },
    ]);
  });
});
