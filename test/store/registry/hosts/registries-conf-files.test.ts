import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { loadRegistriesConf } from "../../../../src/store/registry/hosts/registries-conf-files.ts";
import { temporaryDirectory } from "../../../support/temp.ts";

let root: string;

beforeEach(async () => {
  root = await temporaryDirectory("registries-conf");
});

/** Writes a file with one rule for the host, read from the location. */
async function rule(path: string, prefix: string, location: string): Promise<string> {
  const file = join(root, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `[[registry]]\nprefix = "${prefix}"\nlocation = "${location}"\n`);
  return file;
}

function load(registriesConf?: string, env: Record<string, string> = {}): Record<string, string> {
  const rules = loadRegistriesConf({
    registriesConf,
    env: { HOME: join(root, "home"), ...env },
    onWarning: () => {},
    systemDirectory: join(root, "etc"),
  });
  return Object.fromEntries(rules.map(({ prefix, location }) => [prefix, location ?? ""]));
}

test("without any file there are no rules", () => {
  expect(load()).toEqual({});
});

test("the system's file is followed by its drop-ins by name, and those of the user; the last for a prefix counts", async () => {
  await rule("etc/registries.conf", "a.example", "main");
  await rule("etc/registries.conf.d/20.conf", "b.example", "twenty");
  await rule("etc/registries.conf.d/10.conf", "b.example", "ten");
  await rule("etc/registries.conf.d/30.conf.bak", "b.example", "not read");
  await rule("etc/registries.conf.d/99.conf", "c.example", "system");
  await rule("home/.config/containers/registries.conf.d/mine.conf", "c.example", "user");
  expect(load()).toEqual({ "a.example": "main", "b.example": "twenty", "c.example": "user" });
});

test("the user's file takes the place of all the system's", async () => {
  await rule("etc/registries.conf", "a.example", "system");
  await rule("etc/registries.conf.d/10.conf", "b.example", "system");
  await rule("home/.config/containers/registries.conf", "c.example", "user");
  await rule("home/.config/containers/registries.conf.d/10.conf", "d.example", "user");
  expect(load()).toEqual({ "c.example": "user", "d.example": "user" });
});

test("a file that is named, by option before variable, takes the place of the main file", async () => {
  await rule("etc/registries.conf", "a.example", "system");
  await rule("etc/registries.conf.d/10.conf", "b.example", "drop-in");
  const [option, variable] = [await rule("x", "x.example", "x"), await rule("y", "y.example", "y")];
  expect(load(undefined, { CONTAINERS_REGISTRIES_CONF: variable })).toEqual({
    "y.example": "y",
    "b.example": "drop-in",
  });
  expect(load(option, { CONTAINERS_REGISTRIES_CONF: variable })).toEqual({
    "x.example": "x",
    "b.example": "drop-in",
  });
});

test("a named file that is not there, and a file that cannot be read, are errors that name them", async () => {
  const absent = join(root, "absent.conf");
  expect(() => load(absent)).toThrow(
    expect.objectContaining({
      code: "USAGE",
      message: `${absent} cannot be read: no such file or directory`,
    }),
  );
  await mkdir(join(root, "etc/registries.conf"), { recursive: true });
  expect(() => load()).toThrow(`${join(root, "etc/registries.conf")} cannot be read: it is a directory`);
});
