import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { startService } from "./service.ts";
import { temporaryDirectory } from "./temp.ts";
import type { Certificates } from "./tls-front.ts";

/** What {@link startNginx} puts before a registry. */
export interface NginxOptions {
  /** `http://127.0.0.1:PORT` */
  readonly upstream: string;
  readonly certificates: Certificates;
  /** Turn away clients without a certificate of the authority; default: anybody may come. */
  readonly demandsClient?: boolean;
  /** `client_max_body_size`; default no limit. */
  readonly maxBody?: string;
  /** Tell the registry that it was asked by TLS; default `true`. */
  readonly forwardsScheme?: boolean;
}

/** nginx(8) before a registry, with TLS. */
export interface Nginx {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** One line for each request: method, path, status, the client certificate's subject or `-`. */
  requests(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** Starts it on a free loopback port, with everything it writes in a temporary directory. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const { upstream, certificates, demandsClient = false, maxBody = "0", forwardsScheme = true } = options;
  const home = await temporaryDirectory("nginx");
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  for (const name of temporary) await mkdir(join(home, name));
  const log = join(home, "access.log");
  const config = `
    daemon off;
    pid ${home}/nginx.pid;
    error_log stderr notice;
    events {}
    http {
      ${temporary.map((name) => `${name}_temp_path ${home}/${name};`).join("\n      ")}
      log_format line '$request_method $uri $status $ssl_client_s_dn';
      access_log ${log} line;
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${certificates.serverCert};
        ssl_certificate_key ${certificates.serverKey};
        ssl_client_certificate ${certificates.ca};
        ssl_verify_client ${demandsClient ? "on" : "off"};
        client_max_body_size ${maxBody};
        location / {
          proxy_pass ${upstream};
          proxy_set_header Host $http_host;
          ${forwardsScheme ? "proxy_set_header X-Forwarded-Proto $scheme;" : ""}
          proxy_request_buffering off;
        }
      }
    }
    ${process.geteuid?.() === 0 ? "user root;" : ""}`;
  const file = join(home, "nginx.conf");
  await writeFile(file, config);
  const service = await startService("nginx", ["-p", home, "-c", file], /start worker process \d+/, {
    env: { PATH: `${process.env.PATH}:/usr/sbin` },
  });
  return {
    host: `127.0.0.1:${port}`,
    requests: async () => (await readFile(log, "utf8")).split("\n").filter((line) => line !== ""),
    stop: () => service.stop("SIGTERM"),
  };
}
