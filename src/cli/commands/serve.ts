import { stat } from "node:fs/promises";
import type { Command } from "commander";
import { ComposeImageError } from "../../model/errors.ts";
import { readPartList } from "../../store/archive/part-list.ts";
import { reachOf } from "../../store/registry/hosts/address.ts";
import type { Terminal } from "../terminal.ts";

interface ServeFlags {
  readonly writable?: boolean;
  readonly listen: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

const example = `
Example:
  compose-image serve ./images --writable
  skopeo copy --dest-tls-verify=false docker://registry.example/app:1 docker://127.0.0.1:5000/app:1

There is no authentication: whoever reaches the port may pull, and push with --writable.`;

/** Adds `serve`: a registry over an OCI layout directory or an archive, until it is interrupted. */
export function addServeCommand(program: Command, terminal: Terminal): void {
  program
    .command("serve")
    .summary("serve an OCI layout directory or an archive as a registry")
    .description("Serves an OCI layout directory or an archive as a registry until it is interrupted.")
    .argument(
      "<place>",
      "OCI layout directory, made with --writable where it is missing; or archive of a layout or of docker save, read where it is",
    )
    .option("--writable", "let clients push and delete")
    .option("--listen <host:port>", "address to listen on; port 0 takes a free one", "127.0.0.1:5000")
    .option("--quiet", "nothing on standard error but errors")
    .option("--verbose", "every request")
    .addHelpText("after", example)
    .action((place: string, flags: ServeFlags) => serve(place, flags, terminal));
}

async function serve(place: string, flags: ServeFlags, terminal: Terminal): Promise<void> {
  const { signal } = terminal;
  const { host, port } = parseListen(flags.listen);
  const { startRegistry } = await import("../../server/start-registry.ts");
  const registry = await startRegistry(
    {
      ...(await parsePlace(place, flags.writable ?? false)),
      host,
      port,
      onRequest: ({ method, url, status, ms, fault }) => {
        if (fault !== undefined) terminal.writeError(`${method} ${url} failed: ${String(fault)}\n`);
        if (flags.verbose) terminal.writeError(`${method} ${url} ${status} ${Math.round(ms)} ms\n`);
      },
    },
    { signal },
  );
  if (!flags.quiet) {
    terminal.writeError(`listening on ${registry.url}\n`);
    if (reachOf(host) !== "loopback") {
      const may = flags.writable ? "pull, push and delete" : "pull";
      terminal.writeError(`warning: whoever reaches ${host} may ${may}: there is no authentication\n`);
    }
  }
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await registry.close();
}

/** What a path is of: a file is an archive, and so is what has a list of its parts. */
async function parsePlace(
  place: string,
  writable: boolean,
): Promise<{ directory: string; writable: boolean } | { archive: string }> {
  const path = place.replace(/^(oci|oci-archive|docker-archive):/, "");
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    async () => !/^(oci|docker)-archive:/.test(place) && (await readPartList(path)) === undefined,
  );
  if (isDirectory) return { directory: path, writable };
  if (!writable) return { archive: path };
  throw new ComposeImageError("USAGE", `${path} is an archive, which cannot be served --writable`, {
    hint: "Unpack it into a directory: skopeo copy, or tar for an archive of an OCI layout.",
  });
}

/** Reads `host:port`, `[::1]:port` or `:port`. */
function parseListen(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]*):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) {
    throw new ComposeImageError("USAGE", `--listen ${text} is not HOST:PORT`, {
      hint: "For example --listen 127.0.0.1:5000, or port 0 for a free one.",
    });
  }
  return { host: match[1]?.replace(/^\[|\]$/g, "") || "0.0.0.0", port };
}
