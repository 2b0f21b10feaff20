import { describe, expect, it } from "vitest";
import { parseOwner } from "../../src/model/owner.ts";

describe("an owner", () => {
  it.each([
    ["55", { user: 55 }],
    ["0:0", { user: 0, group: 0 }],
    ["007", { user: 7 }],
    ["app", { user: "app" }],
    ["app:staff", { user: "app", group: "staff" }],
    ["55:staff", { user: 55, group: "staff" }],
    [":staff", { group: "staff" }],
    ["app:", { user: "app" }],
    ["4294967294", { user: 4_294_967_294 }],
    ["-1", { user: "-1" }],
  ])("%s is %j", (text, owner) => {
    expect(parseOwner(text)).toEqual(owner);
  });

  it.each(["", ":", "a:b:c", "a b", "4294967295", "1:99999999999", " a"])("%j is refused", (text) => {
    expect(() => parseOwner(text)).toThrow(
      expect.objectContaining({ code: "USAGE", hint: expect.any(String) }),
    );
  });
});
