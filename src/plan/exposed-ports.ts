import { ComposeImageError } from "../model/errors.ts";

/** What ports are written like, as far as a pattern can tell. */
export const exposedPortPattern = "^[0-9]{1,5}(?:-[0-9]{1,5})?(?:/(?:tcp|udp|sctp))?$";

/**
 * Reads a port as `EXPOSE` takes it: `8080`, `53/udp`, `8000-8010`; without a protocol it is tcp.
 *
 * @param what names the setting in messages.
 * @returns one `port/protocol` a port, as the configuration wants them.
 * @throws ComposeImageError `USAGE`
 */
export function parseExposedPorts(item: string, what: string): string[] {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(item);
  const first = Number(match?.[1]);
  const last = match?.[2] === undefined ? first : Number(match[2]);
  if (match === null || first < 1 || last < first || last > 65_535) {
    throw new ComposeImageError("USAGE", `${what} ${item} is not a port`, {
      hint: "Write a port from 1 to 65535, PORT/udp, or FROM-TO.",
    });
  }
  const protocol = (match[3] ?? "tcp").toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${protocol}`);
}
