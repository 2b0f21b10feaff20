import { BlockList, isIP } from "node:net";
import { ComposeImageError } from "../../../model/errors.ts";
import { reachOf } from "./address.ts";

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy a URL is asked for through: `HTTPS_PROXY` or `HTTP_PROXY` by its scheme, unless `NO_PROXY` names it. Lower
 * case names come first; loopback addresses never go through a proxy. `HTTP_PROXY` is not looked at in a CGI program,
 * where it is what a client sent.
 *
 * @throws ComposeImageError `USAGE` when the variable holds no URL.
 */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const name = url.protocol === "https:" ? "https_proxy" : "http_proxy";
  const isForged = name === "http_proxy" && env.REQUEST_METHOD !== undefined;
  const value = env[name] || (isForged ? undefined : env[name.toUpperCase()]);
  if (!value || reachOf(url.hostname) === "loopback") return undefined;
  if (bypasses(url, env.no_proxy || env.NO_PROXY || "")) return undefined;
  const proxy = URL.parse(/^[a-z0-9+.-]+:\/\//i.test(value) ? value : `http://${value}`);
  if (proxy === null || !/^(?:https?|socks5?):$/.test(proxy.protocol)) {
    throw new ComposeImageError("USAGE", `${name.toUpperCase()} is not the URL of an HTTP proxy`, {
      hint: "Write it as http://host:port.",
    });
  }
  return proxy;
}

/**
 * Whether `NO_PROXY` names the URL, by Go's rules: a name stands for itself and what is below it, one with a leading dot
 * or `*.` for what is below it alone; addresses, CIDR ranges, all of them but ranges with a port if wanted; `*`.
 *
 * @see https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
 */
function bypasses(url: URL, noProxy: string): boolean {
  const host = url.hostname
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")
    .toLowerCase();
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  return noProxy.split(/[\s,]+/).some((entry) => {
    if (entry === "") return false;
    if (entry === "*") return true;
    if (entry.includes("/")) return inRange(host, entry);
    const [, name = "", onlyPort] = /^(\[[^\]]*\]|[^:]*|.*:.*:.*?)(?::(\d+))?$/.exec(entry) ?? [];
    if (onlyPort !== undefined && onlyPort !== port) return false;
    const suffix = name
      .replace(/^\[(.*)\]$/, "$1")
      .replace(/\.$/, "")
      .toLowerCase();
    const domain = suffix.replace(/^\*?\./, "");
    if (domain === "") return false;
    return (host === domain && suffix === domain) || host.endsWith(`.${domain}`);
  });
}

function inRange(host: string, range: string): boolean {
  const [network = "", prefix = ""] = range.split("/");
  const family = isIP(network);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(prefix)) return false;
  if (Number(prefix) > (family === 4 ? 32 : 128)) return false;
  const type = family === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), type);
  return list.check(host, type);
}
