/*
 * Adds to package-lock.json the optional platform packages that the registry in use did not serve when the lockfile
 * was written. npm leaves those out without a word, and `npm ci` then refuses the lockfile ("Missing: … from lock
 * file"), on every platform. An added entry pins the version its dependent asks for and says which platform it is
 * for, so that npm skips it elsewhere without asking the registry; it has no integrity, as there was nothing to hash.
 *
 * Run after each change to the dependencies: `node scripts/complete-lock.mjs`. With `--check` it changes nothing and
 * exits 1 when entries are missing. No dependencies; runs on Node 20.
 */
import { readFileSync, writeFileSync } from "node:fs";

const systems = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];
const processors = [
  "arm64",
  "arm",
  "ia32",
  "loong64",
  "mips64el",
  "ppc64",
  "riscv64",
  "s390x",
  "wasm32",
  "x64",
];

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));
const added = [];
for (const [location, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (installedAt(location, name) !== undefined) continue;
    const platform = platformOf(name);
    if (platform === undefined || !/^\d/.test(version)) {
      fail(`${location}: cannot tell the platform of ${name}@${version}; add its entry by hand`);
    }
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu: [platform.cpu],
      ...(entry.dev === true ? { dev: true } : {}),
      ...(platform.libc === undefined ? {} : { libc: [platform.libc] }),
      optional: true,
      os: [platform.os],
    };
    added.push(`${name}@${version}`);
  }
}

if (added.length === 0) {
  console.log("package-lock.json is complete.");
} else if (process.argv.includes("--check")) {
  fail(`package-lock.json lacks ${added.join(", ")}; run: node scripts/complete-lock.mjs`);
} else {
  const root = lock.packages[""];
  delete lock.packages[""];
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"));
  lock.packages = { "": root, ...Object.fromEntries(sorted) };
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`Added to package-lock.json: ${added.join(", ")}.`);
}

/** Where Node's lookup finds the package from a place in the tree; undefined when the lockfile does not hold it. */
function installedAt(location, name) {
  for (let folder = location; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const path = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (path in lock.packages) return path;
    if (folder === "") return undefined;
  }
}

/** The platform a package's name ends in: `binding-linux-arm64-musl`, `cli-win32-x64`. */
function platformOf(name) {
  const words = name.split("/").at(-1).split("-");
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  if (os === undefined || cpu === undefined) return undefined;
  const isFor = (library) => words.some((word) => word.startsWith(library));
  const libc = isFor("musl") ? "musl" : isFor("gnu") ? "glibc" : undefined;
  return { os, cpu, libc: os === "linux" ? libc : undefined };
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
