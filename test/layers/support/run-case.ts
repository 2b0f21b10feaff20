import { decompress } from "../../../src/codec/decompress.ts";
import { type ComposeFlags, parseComposeFlags } from "../../../src/frontends/flags/compose-flags.ts";
import { unstoppable } from "../../../src/io/call.ts";
import { descriptorFromJson } from "../../../src/model/descriptor.ts";
import { ComposeImageError } from "../../../src/model/errors.ts";
import { compose } from "../../../src/ops/compose.ts";
import type { ComposePlan } from "../../../src/plan/compose-plan.ts";
import { openLayout } from "../../../src/store/layout/open-layout.ts";
import { gather } from "../../codec/chunking.ts";
import { type ReadImage, readImage } from "../../ops/support/images.ts";
import { readAll } from "../../tar/craft.ts";
import { formatEntry } from "./case-entry.ts";
import type { CaseImage, CaseInput } from "./case-file.ts";
import { putCaseImage } from "./case-image.ts";
import { CasePlaces } from "./case-places.ts";

/** What composing a case came to. */
export interface CaseOutcome {
  /** What it failed with; absent when it did not. */
  readonly error: ComposeImageError | undefined;
  readonly warnings: readonly string[];
  /** By registry, what it was told to store. */
  readonly writes: Readonly<Record<string, readonly string[]>>;
  /** Of all targets, those that have the image's tag. */
  readonly tagged: readonly string[];
  /** Absent after an error. */
  readonly composed: ComposedCase | undefined;
}

/** The image that was composed. */
export interface ComposedCase extends ReadImage {
  /** The new layer's entries, as lines. */
  readonly layer: readonly string[];
  /** Digests of the base's layers. */
  readonly baseLayers: readonly string[];
}

/** Stores a case's images, composes them by the options of the command line, and reads what came of it. */
export async function runCase(input: CaseInput): Promise<CaseOutcome> {
  const places = await CasePlaces.make();
  try {
    return await runAt(places, input);
  } finally {
    await places.close();
  }
}

async function runAt(
  places: CasePlaces,
  { builder, base, options, readOnly }: CaseInput,
): Promise<CaseOutcome> {
  const { tag = "out", sources, destination, changes, ...flags } = options;
  const targets = [tag].flat().map(String);
  const builderPlace = builder.at ?? "builder";
  const basePlace = base?.at ?? "base";
  const built = await putAt(places, builderPlace, builder);
  const based = base && (await putAt(places, basePlace, base));
  const references: string[] = [];
  for (const place of targets) references.push(await places.reference(place, readOnly));
  const plan = parseComposeFlags({
    ...camelCased(flags),
    ...(sources !== undefined && { directory: ["/:/"] }),
    builder: await places.reference(builderPlace, readOnly),
    base: base === undefined ? "scratch" : await places.reference(basePlace, readOnly),
    tag: references,
  });
  const warnings: string[] = [];
  let error: ComposeImageError | undefined;
  try {
    await compose(
      { ...withSources(plan, sources, destination), config: { ...plan.config, ...object(changes) } },
      {
        retries: 0,
        env: {},
        authfile: await places.authfile(),
        onTransfer: (event) => {
          if (event.kind === "warning") warnings.push(places.named(event.message));
        },
      },
    );
  } catch (thrown) {
    if (!(thrown instanceof ComposeImageError)) throw thrown;
    error = new ComposeImageError(thrown.code, places.named(thrown.message));
  }
  const tagged: string[] = [];
  for (const target of targets) if (await hasImage(places, target)) tagged.push(target);
  const composed =
    error === undefined
      ? await readComposed(places, targets[0] ?? "", [
          [built.digest, "<builder>"],
          ...(based === undefined ? [] : ([[based.digest, "<base>"]] as const)),
        ])
      : undefined;
  return {
    error,
    warnings,
    writes: places.writes(composed?.manifest.config.digest),
    tagged,
    composed: composed && {
      ...composed,
      baseLayers: based === undefined ? [] : based.layerDigests,
    },
  };
}

async function putAt(places: CasePlaces, place: string, image: CaseImage) {
  const { directory, tag } = places.stored(place);
  if (!image.layers.some(({ urls }) => urls !== undefined)) return putCaseImage(directory, tag, image);
  const { blobs } = await putCaseImage(directory, tag, image);
  const host = await places.serveElsewhere(blobs);
  const layers = image.layers.map((layer) =>
    layer.urls === undefined
      ? layer
      : { ...layer, urls: layer.urls.map((url) => url.replace("//elsewhere/", `//${host}/`)) },
  );
  return putCaseImage(directory, tag, { ...image, layers });
}

/** Options as the library names them. */
function camelCased(options: Readonly<Record<string, unknown>>): ComposeFlags {
  const lists = ["directory", "exclude", "env", "label", "annotation", "expose"];
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
      lists.includes(name) ? [value].flat() : value,
    ]),
  );
}

function object(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

function withSources(plan: ComposePlan, sources: unknown, destination: unknown): ComposePlan {
  if (!Array.isArray(sources)) return plan;
  const copies = plan.copies.map((copy) => ({
    ...copy,
    sources: sources.map(String),
    destination: String(destination),
  }));
  return { ...plan, copies };
}

async function hasImage(places: CasePlaces, target: string): Promise<boolean> {
  const { directory, tag } = places.stored(target);
  try {
    return (await (await openLayout(directory, {}, unstoppable)).tags(unstoppable)).includes(tag);
  } catch (error) {
    if (error instanceof ComposeImageError && error.code === "LAYOUT_INVALID") return false;
    throw error;
  }
}

/** @param names what stands for digests, and what for hosts is put into text as well. */
async function readComposed(
  places: CasePlaces,
  target: string,
  names: readonly (readonly [digest: string, name: string])[],
): Promise<Omit<ComposedCase, "baseLayers">> {
  const { directory, tag } = places.stored(target);
  const image = await readImage(directory, tag);
  const layout = await openLayout(directory, {}, unstoppable);
  const descriptor = descriptorFromJson(image.manifest.layers.at(-1), "the new layer");
  const blob = await layout.fetch(descriptor, unstoppable);
  const entries = await readAll(await gather(decompress(blob, "the new layer")));
  const renamed = <T>(value: T): T => {
    let text = places.named(JSON.stringify(value));
    for (const [digest, name] of names) text = text.replaceAll(digest, name);
    return JSON.parse(text);
  };
  const layerNamed = <T>(value: T): T =>
    JSON.parse(
      JSON.stringify(renamed(value)).replaceAll(image.config.rootfs.diff_ids.at(-1) ?? "", "<layer>"),
    );
  const { annotations, ...manifest } = image.manifest;
  return {
    ...image,
    manifest: { ...manifest, ...(annotations && { annotations: layerNamed(annotations) }) },
    config: Object.assign(renamed(image.config), { config: layerNamed(image.config.config) }),
    layer: entries.map(formatEntry),
  };
}
