/*
 * Composes an image for real, between registries on this machine, and reads it back: a builder image of this very
 * project, made of what `npm ci` brought, becomes an image that holds the project ready to run and nothing else.
 * Leaves nothing behind, also when interrupted. Exit status 0 means that everything was found as it has to be.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand, startCommand } from "../bench/command.ts";
import { abortOnSignals, Interrupted } from "../src/cli/interrupt.ts";
import { formatBytes } from "../src/cli/quantities.ts";
import type { Call } from "../src/io/call.ts";
import { openLayout } from "../src/store/layout/open-layout.ts";
import { checkComposed } from "./demo/check.ts";
import { applicationDirectory, writeDemoImages } from "./demo/images.ts";

const project = fileURLToPath(new URL("..", import.meta.url));
const main = join(project, "dist", "cli", "main.js");

process.on("SIGHUP", () => process.kill(process.pid, "SIGTERM"));
const { signal, stopListening } = abortOnSignals();
try {
  await demonstrate({ signal });
} catch (error) {
  const shown: unknown = signal.aborted ? signal.reason : error;
  console.error(`\ndemo: ${shown instanceof Error ? shown.message : String(shown)}`);
  process.exitCode = shown instanceof Interrupted ? shown.exitStatus : 1;
} finally {
  stopListening();
}

async function demonstrate(call: Call): Promise<void> {
  const startedAt = performance.now();
  const directory = mkdtempSync(join(tmpdir(), "compose-image-demo-"));
  await using cleanUp = new AsyncDisposableStack();
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  // a second signal ends the process without unwinding
  process.once("exit", remove);
  cleanUp.defer(() => {
    remove();
    process.removeListener("exit", remove);
  });

  say("1. A builder image. This very project with all that `npm ci` brought, packed as builders pack:\n");
  const layout = await openLayout(join(directory, "layout"), { create: true }, call);
  const images = await writeDemoImages(
    project,
    layout,
    ({ createdBy, tarSize, descriptor }) => say(row(createdBy, tarSize, descriptor.size)),
    call,
  );
  const { builder, base, application } = images;
  say(row("demo/app-builder:1, all of it", builder.tarSize, builder.size));
  say(row("demo/node-runtime:24, its two lowest layers", base.tarSize, base.size));

  say("\n2. A registry, over the directory that holds them:\n");
  say("   $ node dist/cli/main.js serve LAYOUT --writable --listen 127.0.0.1:0");
  const server = await startCommand(
    process.execPath,
    [main, "serve", layout.directory, "--writable", "--listen", "127.0.0.1:0"],
    /listening on http:\/\/(\S+)/,
    call,
  );
  cleanUp.defer(() => server.stop());
  const host = server.ready[1] ?? "";
  say(`   listening on http://${host}`);

  const target = `${host}/demo/compose-image`;
  const request: readonly (readonly [string, string])[] = [
    ["--builder", `${host}/demo/app-builder:1`],
    ["--base", `${host}/demo/node-runtime:24`],
    ["--directory", `${applicationDirectory}:/run/app`],
    ["--workdir", "/run/app"],
    ["--user", "1001"],
    ["--env", "NODE_ENV=production"],
    ["--entrypoint", '["node","/run/app/dist/cli/main.js"]'],
    ["--tag", `${target}:1`],
  ];
  say("\n3. What is left of the application, put on the runtime image:\n");
  say(
    `   $ node dist/cli/main.js compose \\\n${request.map(([flag, value]) => `       ${flag} ${quoted(value)}`).join(" \\\n")}\n`,
  );
  const output = await runCommand(
    process.execPath,
    [main, "compose", ...request.flat()],
    { errors: "show" },
    call,
  );
  process.stdout.write(output);
  const digest = output.trim().split("@")[1] ?? "";

  say("\n4. Read back from the registry, by Node's own HTTP client and gunzip, and by tar-stream:\n");
  const composed = await checkComposed({ url: `http://${host}/v2/demo/compose-image`, digest, images, call });
  for (const finding of composed.findings) say(`   ok  ${finding}`);

  const applicationSize = composed.layerSize;
  say(`
An OpenShift user once weighed his image: 474 MB, around an application whose code was 8 bytes long. The builder here
weighs ${formatBytes(builder.tarSize)} around ${formatBytes(composed.applicationSize)} of application in ${application.size} files; \`npm prune\` in its last layer hides the rest, and makes
the image no smaller. Composed, the image is ${percent(composed.size, builder.size)} of what the builder is to pull, and all but ${formatBytes(applicationSize)} of that
is the runtime image, which a node that runs another application on it has already.

   builder   ${formatBytes(builder.size).padStart(9)} to pull, ${formatBytes(builder.tarSize).padStart(9)} unpacked
   composed  ${formatBytes(composed.size).padStart(9)} to pull, ${formatBytes(base.tarSize + composed.layerTarSize).padStart(9)} unpacked
   its layer ${formatBytes(applicationSize).padStart(9)} to pull, ${formatBytes(composed.layerTarSize).padStart(9)} unpacked

${target}@${digest}
took ${((performance.now() - startedAt) / 1000).toFixed(0)} s; registry and images go when it ends`);
}

function say(text: string): void {
  console.log(text);
}

function row(what: string, unpacked: number, packed: number): string {
  return `   ${what.padEnd(82)} ${formatBytes(unpacked).padStart(9)}, ${formatBytes(packed).padStart(9)} packed`;
}

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)} %`;
}

/** As a shell takes it. */
function quoted(argument: string): string {
  return /^[\w./:=@-]+$/.test(argument) ? argument : `'${argument}'`;
}
