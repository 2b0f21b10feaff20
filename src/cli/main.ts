#!/usr/bin/env node
// Nothing is imported before the version is known to be enough: an old Node would fail on the imports' syntax.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `compose-image needs Node.js 22.19 or newer; this is ${process.version} (${process.execPath}).\n`,
  );
  process.exitCode = 2;
} else {
  const { run } = await import("./run.ts");
  process.exitCode = await run(process.argv.slice(2));
}

export {};
