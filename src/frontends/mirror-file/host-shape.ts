import type { HostLimits } from "../../model/host-limits.ts";
import { byteSizePattern, parseByteSize } from "../../plan/byte-size.ts";
import { map, object } from "../yaml/collection-shapes.ts";
import { faultAt } from "../yaml/located.ts";
import { count, word } from "../yaml/scalar-shapes.ts";
import { described, refined, type Shape } from "../yaml/shape.ts";

const rate = refined(
  word("a number", String, { pattern: "^[0-9]{1,9}(?:\\.[0-9]{1,9})?$" }),
  (number, value) => {
    const perSecond = /^[0-9]{1,9}(?:\.[0-9]{1,9})?$/.test(number) ? Number(number) : 0;
    if (perSecond > 0) return perSecond;
    throw faultAt(
      value,
      `${number} is not a number above zero`,
      "Write for example 5, or 0.5 for one every two seconds.",
    );
  },
);

const size = refined(word("an amount of bytes", String, { pattern: byteSizePattern }), (amount, value) => {
  const bytes = parseByteSize(amount) ?? 0;
  if (bytes > 0) return bytes;
  throw faultAt(value, `${amount} is not an amount of bytes`, "Write for example 20MB, 512K or 1G.");
});

const hostObject = object(
  {
    requestsPerSecond: described("Requests in a second; may be a fraction.", rate),
    bytesPerSecond: described("Bytes in a second, both ways together: 20MB.", size),
    concurrency: described("Requests under way at once.", count("a whole number of at least 1", Number, 1)),
  },
  "a mapping with requestsPerSecond, bytesPerSecond or concurrency",
);

const hostName =
  "^(?:\\*|(?:\\[[0-9a-fA-F:.]+\\]|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)(?::[0-9]{1,5})?)$";

const hostMap: Shape<Readonly<Record<string, HostLimits>>> = map(hostObject, "a mapping of hosts to limits", {
  pattern: hostName,
  hint: "A host is written as in references, with its port: registry.example:5000; * is for all others.",
});

/** What registries may be asked for, by host. */
export const hostsShape = refined(hostMap, (hosts, value) => {
  for (const [name, { key }] of value.kind === "map" ? value.entries : []) {
    if (name !== "index.docker.io" && name !== "registry-1.docker.io") continue;
    throw faultAt(key, `names ${name}`, "Write docker.io: that is what its images are called.");
  }
  return hosts;
});
