#!/usr/bin/env node
import { setFlagsFromString } from "node:v8";

// Nothing else is imported before the version is known to be enough: an old Node would fail on the imports' syntax.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `compose-image needs Node.js 22.19 or newer; this is ${process.version} (${process.execPath}).\n`,
  );
  process.exitCode = 2;
} else {
  // What passes through is buffers outside V8's heap, which collecting young objects sets free: a young generation that
  // does not grow is collected often, and takes a sixth off the peak of memory.
  setFlagsFromString("--semi-space-growth-factor=1");
  const { run } = await import("./run.ts");
  process.exitCode = await run(process.argv.slice(2));
}
