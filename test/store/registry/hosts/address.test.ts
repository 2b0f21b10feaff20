import { expect, test } from "vitest";
import { mayLeadTo, reachOf } from "../../../../src/store/registry/hosts/address.ts";

test.each([
  ["localhost", "loopback"],
  ["registry.LOCALHOST.", "loopback"],
  ["127.8.9.1", "loopback"],
  ["[::1]", "loopback"],
  ["[::ffff:127.0.0.1]", "loopback"],
  ["10.1.2.3", "internal"],
  ["169.254.169.254", "link-local"],
  ["172.31.0.1", "internal"],
  ["172.32.0.1", "public"],
  ["0.0.0.0", "link-local"],
  ["[fd00:ec2::254]", "link-local"],
  ["[fe80::1]", "link-local"],
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
  ["https://registry.example/", "https://storage.example/x", true],
  ["https://registry.example/", "https://10.0.0.5:9000/x", true],
  ["http://127.0.0.1:5000/", "http://127.0.0.1:9000/x", true],
  ["https://registry.example/", "https://127.0.0.1/x", false],
  ["https://registry.example/", "https://[::ffff:127.0.0.1]/x", false],
  ["https://registry.example/", "https://0/x", false],
  ["https://registry.example/", "https://169.254.169.254/latest", false],
  ["https://10.0.0.1/", "https://169.254.169.254/latest", false],
  ["https://10.0.0.1/", "https://localhost/", false],
])("%s may lead to %s: %s", (asked, next, may) => {
  expect(mayLeadTo(new URL(asked), new URL(next))).toBe(may);
});
