import type { ExecutionConfig, ImageConfig } from "../model/config.ts";
import type { Descriptor } from "../model/descriptor.ts";
import { formatLocation } from "../model/location.ts";
import { formatPlatform } from "../model/platform.ts";
import { visibleText } from "../model/visible-text.ts";
import { type ImageTree, subjectOf, type TreeChild, type TreeImage } from "../ops/image-tree.ts";
import { layersSize } from "../ops/resolve-image.ts";
import { platformOf } from "./image-document.ts";
import { formatBytes } from "./quantities.ts";

/** A heading with what belongs to it; what has nothing to show is left out. */
type Row = readonly [name: string, values: readonly string[]];

/** Longest text of a history entry that is shown: some hold whole scripts. */
const maxStepLength = 160;

/** An image for people: the tree of its manifests, each with what is in it. */
export function describeImage(tree: ImageTree): string {
  const { location, top, index, children } = tree;
  const { digest, mediaType } = top.descriptor;
  const head: Row[] = [
    ["image", [formatLocation(location)]],
    ["digest", [digest]],
    ["type", [mediaType]],
    ...(index === undefined
      ? []
      : [
          ["platforms", [children.flatMap((child) => platformIn(child)).join(", ")]] satisfies Row,
          ["annotations", pairs(index.annotations)] satisfies Row,
        ]),
  ];
  if (index === undefined) return block("", [...head, ...children.flatMap(rowsOf)]);
  return (
    block("", head) + children.map((child) => `\n${heading(child)}\n${block("  ", rowsOf(child))}`).join("")
  );
}

function platformIn(child: TreeChild): string[] {
  return child.kind === "image" ? [platformOf(child)] : [];
}

function heading(child: TreeChild): string {
  if (child.kind === "image") return `${platformOf(child)}  ${child.stored.descriptor.digest}`;
  const { entry } = child;
  const digest = "stored" in child ? child.stored.descriptor.digest : child.entry.digest;
  const platform = entry?.platform === undefined ? "" : ` for ${visibleText(formatPlatform(entry.platform))}`;
  const titles = {
    attestation: `attestation${platform}`,
    artifact: "artifact",
    missing: `missing${platform}`,
    index: "another index",
    unknown: "of an unknown type",
  };
  return `${titles[child.kind]}  ${digest}`;
}

function rowsOf(child: TreeChild): Row[] {
  if (!("stored" in child)) return [["type", [child.entry.mediaType]]];
  const { manifest, entry } = child;
  const annotations: Row = ["annotations", pairs(manifest.annotations)];
  if (child.kind === "image") {
    return [...imageRows(child), annotations, ["entry", pairs(entry?.annotations ?? {})]];
  }
  const subject = entry && subjectOf(entry);
  return [
    ["about", subject === undefined ? [] : [subject]],
    ["layers", manifest.layers.map((layer) => `${layerLine(layer)}  ${layer.mediaType}`)],
    annotations,
  ];
}

function imageRows({ manifest, config, entry }: TreeImage): Row[] {
  const count = manifest.layers.length;
  return [
    ["platform", entry === undefined ? [formatPlatform(config.platform)] : []],
    ["created", config.created === undefined ? [] : [config.created]],
    ["size", [`${formatBytes(layersSize(manifest.layers))} in ${count} ${count === 1 ? "layer" : "layers"}`]],
    ["layers", manifest.layers.map(layerLine)],
    ...executionRows(config.execution),
    ["history", historyOf(config)],
  ];
}

function layerLine({ size, digest }: Descriptor): string {
  return `${formatBytes(size).padStart(8)}  ${digest}`;
}

function executionRows(execution: ExecutionConfig): Row[] {
  const { Env, Labels, Entrypoint, Cmd, WorkingDir, User, ExposedPorts, Volumes, StopSignal, ...rest } =
    execution;
  return [
    ["entrypoint", list(Entrypoint)],
    ["cmd", list(Cmd)],
    ["workdir", text(WorkingDir)],
    ["user", text(User)],
    ["env", Env ?? []],
    ["labels", pairs(Labels ?? {})],
    ["ports", Object.keys(ExposedPorts ?? {})],
    ["volumes", Object.keys(Volumes ?? {})],
    ["stop signal", text(StopSignal)],
    ...Object.entries(rest).flatMap(([name, value]): Row[] =>
      isEmpty(value) ? [] : [[name.toLowerCase(), [JSON.stringify(value)]]],
    ),
  ];
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === "" || value === false;
}

function list(value: readonly string[] | undefined): string[] {
  return value === undefined || value.length === 0 ? [] : [JSON.stringify(value)];
}

function text(value: string | undefined): string[] {
  return value === undefined || value === "" ? [] : [value];
}

function pairs(map: Readonly<Record<string, string>>): string[] {
  return Object.entries(map).map(([key, value]) => `${key}=${value}`);
}

function historyOf({ history }: ImageConfig): string[] {
  const times = history.map(({ created }) => String(created ?? "-"));
  const width = Math.max(0, ...times.map(({ length }) => length));
  return history.map(({ created_by, comment, empty_layer }, i) => {
    const step = [created_by, comment].filter((part) => typeof part === "string" && part !== "").join("  # ");
    const shown = step.length > maxStepLength ? `${step.slice(0, maxStepLength)}…` : step;
    return [times[i]?.padEnd(width), empty_layer === true ? "no layer" : "layer   ", shown].join("  ");
  });
}

/** Rows as a table: each name once, with its values below each other. */
function block(indent: string, rows: readonly Row[]): string {
  const shown = rows.filter(([, values]) => values.length > 0);
  const width = Math.max(0, ...shown.map(([name]) => visibleText(name).length));
  return shown
    .flatMap(([name, values]) =>
      values.map(
        (value, i) => `${indent}${(i === 0 ? visibleText(name) : "").padEnd(width)}  ${visibleText(value)}\n`,
      ),
    )
    .join("");
}
