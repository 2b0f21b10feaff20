import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import { type DebianImages, debianImages } from "./debian-images.ts";
import type { Registry } from "./registry.ts";
import { gnuTar, imageOfTars } from "./relayer.ts";
import { temporaryDirectory } from "./temp.ts";
import { skopeoCopy } from "./unpack.ts";

/** The images that end-to-end tests compose from, by name, as skopeo takes them. */
export type ComposeInputs = Readonly<Record<"builder" | "base" | "precise", string>>;

/** The Debian images, and `precise`, a builder whose times have fractions (which buildah never writes). */
export async function composeInputs(): Promise<ComposeInputs> {
  const images: DebianImages = await debianImages();
  return { builder: images.builder, base: images.base, precise: await preciseBuilder() };
}

/** Pushes every input as `HOST/fixture/NAME:1`. */
export async function pushInputs(inputs: ComposeInputs, registry: Pick<Registry, "host">): Promise<void> {
  for (const [name, image] of Object.entries(inputs)) {
    await skopeoCopy(image, `docker://${inputReference(registry, name)}`);
  }
}

/** How the command line names an input that {@link pushInputs} pushed. */
export function inputReference(registry: Pick<Registry, "host">, name: string): string {
  return `${registry.host}/fixture/${name}:1`;
}

async function preciseBuilder(): Promise<string> {
  const root = await temporaryDirectory("precise");
  const top = join(root, "precise");
  await mkdir(join(top, "below"), { recursive: true });
  const times = {
    "below/nanoseconds": "2023-11-14T22:13:20.123456789Z",
    "nearly-the-next": "2023-11-14T22:13:20.999999999Z",
    whole: "2023-11-14T22:13:20Z",
    below: "2011-03-13T07:06:40.5Z",
    ".": "2011-03-13T07:06:40.75Z",
  };
  for (const [name, time] of Object.entries(times)) {
    await run("touch", ["--date", time, join(top, name)]);
  }
  return imageOfTars([await gnuTar(root, ["precise"])]);
}
