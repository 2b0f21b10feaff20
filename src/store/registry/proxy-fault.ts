import { Retryable } from "../../io/retry.ts";
import { ComposeImageError } from "../../model/errors.ts";

/**
 * The error for a proxy that does not pass a request on.
 *
 * @param status what the proxy answered.
 * @param where side, store, host and proxy, for the message.
 * @returns a {@link Retryable} where it tried to and could not.
 */
export function proxyFault(status: number, where: string, cause?: unknown): Retryable | ComposeImageError {
  const { what, hint } =
    status === 407 || status === 401
      ? {
          what: "wants credentials",
          hint: "Put the proxy's user and password into HTTPS_PROXY or HTTP_PROXY: http://user:password@host:port.",
        }
      : status >= 500
        ? { what: "cannot reach it", hint: "Check the registry's name, and that the proxy may reach it." }
        : {
            what: "refuses",
            hint: "The proxy's rules do not allow this host or port: ask whoever runs it, or name the host in NO_PROXY.",
          };
  const error = new ComposeImageError("NETWORK", `${where}: the proxy ${what} (it answered ${status})`, {
    hint,
    cause,
  });
  return status >= 500 ? new Retryable(error, `the proxy answered ${status}`, { limit: 2 }) : error;
}

/** The status a proxy refused with, from what undici throws for it. */
export function refusalOfProxy(message: string): number | undefined {
  const status = /^Proxy response \((\d{3})\)|^Proxy Authentication Required \((407)\)$/.exec(message);
  return status === null ? undefined : Number(status[1] ?? status[2]);
}
