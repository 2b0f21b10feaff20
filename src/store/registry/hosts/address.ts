import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Ranges that only make sense inside a network: private, link-local (with cloud metadata), shared, unspecified. */
const internal = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
] as const) {
  internal.addSubnet(network, prefix, "ipv4");
}
internal.addAddress("::", "ipv6");
internal.addSubnet("fc00::", 7, "ipv6");
internal.addSubnet("fe80::", 10, "ipv6");

/** Where a host name or address can be found, as far as the text alone tells. */
export type Reach = "loopback" | "internal" | "public";

/**
 * Judges a URL's hostname (IPv6 in brackets or not) without looking names up: a name that is not `localhost` counts
 * as public. IPv4 addresses inside IPv6 ones are judged as the former.
 */
export function reachOf(hostname: string): Reach {
  const host = hostname
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
  if (host === "localhost" || host.endsWith(".localhost")) return "loopback";
  const family = isIP(host);
  if (family === 0) return "public";
  const type = family === 4 ? "ipv4" : "ipv6";
  if (loopback.check(host, type)) return "loopback";
  return internal.check(host, type) ? "internal" : "public";
}

const linkLocal = new BlockList();
linkLocal.addSubnet("169.254.0.0", 16, "ipv4");
linkLocal.addSubnet("fe80::", 10, "ipv6");
linkLocal.addAddress("fd00:ec2::254", "ipv6");

/** Whether an address is where clouds tell machines their secrets, or of one network cable alone: nobody's storage. */
export function isLinkLocal(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(host);
  return family !== 0 && linkLocal.check(host, family === 4 ? "ipv4" : "ipv6");
}
