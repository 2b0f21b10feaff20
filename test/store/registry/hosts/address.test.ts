import { expect, test } from "vitest";
import { isLinkLocal, reachOf } from "../../../../src/store/registry/hosts/address.ts";

test.each([
  ["localhost", "loopback"],
  ["registry.LOCALHOST.", "loopback"],
  ["127.8.9.1", "loopback"],
  ["[::1]", "loopback"],
  ["[::ffff:127.0.0.1]", "loopback"],
  ["10.1.2.3", "internal"],
  ["169.254.169.254", "internal"],
  ["172.31.0.1", "internal"],
  ["172.32.0.1", "public"],
  ["0.0.0.0", "internal"],
  ["[fd00:ec2::254]", "internal"],
  ["[fe80::1]", "internal"],
  ["[::ffff:10.0.0.1]", "internal"],
  ["8.8.8.8", "public"],
  ["localhost.example", "public"],
])("%s is %s", (hostname, reach) => {
  expect(reachOf(hostname)).toBe(reach);
});

test.each(["http://2130706433/", "http://0x7f.1/", "http://127.1/"])(
  "%s is loopback once it is a URL",
  (text) => {
    expect(reachOf(new URL(text).hostname)).toBe("loopback");
  },
);

test.each([
  ["169.254.169.254", true],
  ["[fe80::1]", true],
  ["[fd00:ec2::254]", true],
  ["10.0.0.1", false],
  ["[fd00::1]", false],
  ["registry.example", false],
])("%s is link-local: %j", (hostname, linkLocal) => {
  expect(isLinkLocal(hostname)).toBe(linkLocal);
});
