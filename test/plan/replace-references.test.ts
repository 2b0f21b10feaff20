import { describe, expect, it } from "vitest";
import { formatLocation, parseLocation } from "../../src/model/location.ts";
import type { ComposePlan } from "../../src/plan/compose-plan.ts";
import { formatCopySource, imageSource } from "../../src/plan/copy-source.ts";
import { parseReplacement, replaceReferences } from "../../src/plan/replace-references.ts";

const from = imageSource(parseLocation("r.example/builder:1"));

function planOf(base: string): ComposePlan {
  const step = { from, sources: ["/a"], destination: "/a", exclude: [], link: false };
  return {
    base: { kind: "image", location: parseLocation(base) },
    copies: [step, { ...step, destination: "/b" }],
    config: {},
    annotations: {},
    targets: [parseLocation("r.example/app:1"), parseLocation("oci:r.example/out")],
    compression: { algorithm: "none" },
    record: "none",
  };
}

function replacedBase(base: string, ...replacements: string[]): string {
  const plan = replaceReferences(planOf(base), replacements.map(parseReplacement));
  return plan.base.kind === "image" ? formatLocation(plan.base.location) : "scratch";
}

describe("replacing references", () => {
  it.each([
    ["r.example/a/b:1", "r.example=localhost:5000", "localhost:5000/a/b:1"],
    ["r.example/a/b:1", "r.example/=localhost:5000/", "localhost:5000/a/b:1"],
    ["r.example/a/b:1", "r.example/a=x.example/y/z", "x.example/y/z/b:1"],
    ["r.example/a/b:1", "r.example/a/b=x.example/c", "x.example/c:1"],
    ["r.example/a/b:1", "r.example/a/b:1=x.example/c:2", "x.example/c:2"],
    ["r.example/a/b:1", "r.example/a/b:1=oci:out:x", "oci:out:x"],
    [`r.example/a@sha256:${"0".repeat(64)}`, "r.example=x.example", `x.example/a@sha256:${"0".repeat(64)}`],
    ["node:24", "node=x.example/node", "x.example/node:24"],
    ["node:24", "node:24=x.example/node:22", "x.example/node:22"],
    ["node:24", "docker.io=x.example", "x.example/library/node:24"],
    ["node:24", "docker.io/library=x.example", "x.example/node:24"],
    ["team/app", "team=x.example/t", "docker.io/team/app:latest"],
    ["team/app", "team/app=x.example/t", "x.example/t:latest"],
    ["localhost/app:1", "localhost=x.example", "x.example/app:1"],
  ])("%s with %s is %s", (base, replacement, expected) => {
    expect(replacedBase(base, replacement)).toBe(expected);
  });

  it.each([
    ["r.example:5000/a:1", "r.example=x.example"],
    ["r.example.org/a:1", "r.example=x.example"],
    ["r.example/app:1", "r.example/a=x.example/b"],
    ["r.example/a:12", "r.example/a:1=x.example/b:1"],
  ])("%s is not touched by %s", (base, replacement) => {
    expect(replacedBase(base, replacement)).toBe(base);
  });

  it("lets the replacement count that replaces most, whatever the order", () => {
    const both = ["r.example=x.example", "r.example/a=y.example"];
    expect(replacedBase("r.example/a/b:1", ...both)).toBe("y.example/b:1");
    expect(replacedBase("r.example/a/b:1", ...both.toReversed())).toBe("y.example/b:1");
  });

  it("replaces builders and targets, keeps layouts and scratch, and what steps share stays shared", () => {
    const plan = replaceReferences({ ...planOf("r.example/a"), base: { kind: "scratch" } }, [
      parseReplacement("r.example=x.example"),
    ]);
    expect(plan.base).toEqual({ kind: "scratch" });
    expect(plan.targets.map(formatLocation)).toEqual(["x.example/app:1", "oci:r.example/out"]);
    expect(plan.copies.map((copy) => formatCopySource(copy.from))).toEqual([
      "x.example/builder:1",
      "x.example/builder:1",
    ]);
    expect(plan.copies[0]?.from).toBe(plan.copies[1]?.from);
  });

  it.each(["r.example", "=x", "x=", "/=x", "a=b=c"])("%s is not FROM=TO", (text) => {
    expect(() => parseReplacement(text)).toThrow(
      expect.objectContaining({ code: "USAGE", message: `--replace ${text} is not FROM=TO` }),
    );
  });

  it("names the replacement whose result is no reference", () => {
    expect(() => replacedBase("r.example/a:1", "r.example=X Y")).toThrow(
      expect.objectContaining({
        code: "REFERENCE_INVALID",
        message: expect.stringContaining("--replace r.example: malformed reference"),
      }),
    );
  });
});
