import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { startService } from "./service.ts";
import { temporaryDirectory } from "./temp.ts";

/** tinyproxy(8), which passes requests and tunnels on. */
export interface Tinyproxy {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** The first lines of the requests it got: `CONNECT registry.example:443 HTTP/1.1`. */
  requests(): readonly string[];
  stop(): Promise<void>;
}

/**
 * Starts it on a free loopback port.
 *
 * @param lines of its configuration besides the usual: `BasicAuth user password`, `ConnectPort 443`.
 */
export async function startTinyproxy(lines: readonly string[] = []): Promise<Tinyproxy> {
  const home = await temporaryDirectory("tinyproxy");
  const port = await freePort();
  const file = join(home, "tinyproxy.conf");
  const config = [`Port ${port}`, "Listen 127.0.0.1", "LogLevel Info", "Timeout 60", ...lines];
  await writeFile(file, `${config.join("\n")}\n`);
  const service = await startService("tinyproxy", ["-d", "-c", file], /Accepting connections/, {
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
  });
  return {
    host: `127.0.0.1:${port}`,
    requests: () =>
      [...service.log().matchAll(/Request \(file descriptor \d+\): (.*)$/gm)].map(([, line = ""]) => line),
    stop: () => service.stop(),
  };
}
