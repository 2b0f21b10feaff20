import { BlockList, isIP } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Ranges that no name or redirect of somebody else's has any business with: link-local, with clouds' metadata, and unspecified. */
const linkLocal = new BlockList();
linkLocal.addSubnet("0.0.0.0", 8, "ipv4");
linkLocal.addSubnet("169.254.0.0", 16, "ipv4");
linkLocal.addAddress("::", "ipv6");
linkLocal.addSubnet("fe80::", 10, "ipv6");
linkLocal.addAddress("fd00:ec2::254", "ipv6");

/** Ranges that only make sense inside a network: private and shared. */
const internal = new BlockList();
for (const [network, prefix] of [
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
] as const) {
  internal.addSubnet(network, prefix, "ipv4");
}
internal.addSubnet("fc00::", 7, "ipv6");

/** Where a host name or address can be found, as far as the text alone tells. */
export type Reach = "loopback" | "link-local" | "internal" | "public";

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
  if (linkLocal.check(host, type)) return "link-local";
  return internal.check(host, type) ? "internal" : "public";
}

/**
 * Whether the host asked may send this client on to another: a registry's content may be anywhere on its network, but
 * this machine itself, and link-local addresses, are only for those that are there.
 */
export function mayLeadTo(asked: URL, next: URL): boolean {
  const reach = reachOf(next.hostname);
  return reach === "public" || reach === "internal" || reach === reachOf(asked.hostname);
}
