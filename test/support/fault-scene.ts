import { expect } from "vitest";
import {
  type ComposeArguments,
  type ComposeScene,
  composeScene,
  unfinishedUploads,
} from "./compose-scene.ts";
import { sha256 } from "./make-image.ts";
import type { Fault } from "./proxy-fault.ts";
import { readImage, tagsOf } from "./read-image.ts";
import { type Exchange, type RecordingProxy, startRecordingProxy } from "./recording-proxy.ts";
import { expectRefusal, type Refusal } from "./refusal.ts";
import type { Registry } from "./registry.ts";
import { type CliOptions, type CliResult, runCli } from "./run-cli.ts";

/** Says what befalls a request; `undefined` for nothing. */
export type FaultRule = (exchange: Exchange) => Fault | undefined;

/** A scene whose registry is reached by a proxy with faults, and what composing gives without them. */
export interface FaultScene {
  readonly scene: ComposeScene;
  readonly proxy: RecordingProxy;
  /** Another way to the registry, as storage that it leads to. */
  readonly storage: RecordingProxy;
  /** The digest of the image that an undisturbed run makes. */
  readonly digest: string;
  /** The digest of its new layer. */
  readonly layer: string;
  readonly isLayerGet: (exchange: Exchange) => boolean;
  /** Requests that bring the new layer, or a part of it. */
  readonly isLayerSent: (exchange: Exchange) => boolean;
  /** How the commands of the case ended, one line each. */
  readonly outcomes: readonly string[];
  /** Whether the registry tells how much of a broken upload it has. If not, nobody can cancel such an upload either. */
  readonly resumes: boolean;
  /** Composes to `faults/NAME:1`; everything comes and goes through the proxy, unless changed. */
  compose(name: string, changes?: ComposeArguments, options?: CliOptions): Promise<CliResult>;
  /** The same, and expects the undisturbed image, all of it, and no upload under way. */
  completes(name: string, changes?: ComposeArguments, options?: CliOptions): Promise<CliResult>;
  /** Composes to a tag that is there, and expects a refusal that leaves it and everything else as it was. */
  refuses(refusal: Refusal, changes?: ComposeArguments, options?: CliOptions): Promise<void>;
  /** Changes that lead to a tag that is there, with a layer that the registry has never had. */
  fresh(): ComposeArguments;
  /** Expects that the tag `refuses` composes to is where it was, and that no upload is under way. */
  expectUntouched(): Promise<void>;
  /** Expects that a reference of the registry names a complete image. */
  expectWhole(reference: string): Promise<string>;
  /** Forgets requests and faults. */
  reset(): void;
  stop(): Promise<void>;
}

/** The bytes of the builder's file that do not compress; more than one part of an upload has. */
const dataSize = 5 * 1024 * 1024;

/** Sets it up on a registry, which it stops in the end. */
export async function faultScene(registry: Registry, resumes: boolean): Promise<FaultScene> {
  const scene = await composeScene(registry, dataSize);
  const { proxy } = scene;
  const storage = await startRecordingProxy(registry.url);
  const outcomes: string[] = [];
  const compose = async (name: string, changes: ComposeArguments = {}, options: CliOptions = {}) => {
    const result = await runCli(
      scene.arguments({
        builder: scene.names.builderByProxy,
        base: `${proxy.host}/scene/base:1`,
        tag: `${proxy.host}/faults/${name}:1`,
        verbose: true,
        ...changes,
      }),
      options,
    );
    const message = /^compose-image: (.*)$/m.exec(result.stderr)?.[1] ?? "the undisturbed image";
    outcomes.push(`exit ${result.status}: ${message}`);
    return result;
  };
  const undisturbed = await compose("undisturbed");
  expect(undisturbed.status, undisturbed.stderr).toBe(0);
  const { digest, top } = await readImage(`${registry.host}/faults/undisturbed:1`);
  const expectWhole = async (reference: string): Promise<string> => {
    const image = await readImage(reference);
    const [repository = ""] = reference.slice(registry.host.length + 1).split(/[:@]/);
    for (const { digest: expected } of [...image.manifest.layers, image.manifest.config]) {
      const answer = await fetch(`${registry.url}/v2/${repository}/blobs/${expected}`);
      expect(sha256(Buffer.from(await answer.arrayBuffer()))).toBe(expected);
    }
    return image.digest;
  };
  let owner = 1000;
  const fresh = (): ComposeArguments => {
    owner += 1;
    return { tag: scene.names.targetByProxy, chown: String(owner) };
  };
  const broken = new Set<string>();
  const expectNoUploads = async (): Promise<void> => {
    for (const { path, finished, requestBytes } of proxy.exchanges) {
      if (!resumes && !finished && requestBytes > 0) broken.add(path.split("/").at(-1) ?? "");
    }
    const left = async (): Promise<string[]> => {
      const files = await unfinishedUploads(registry);
      return files.filter((file) => ![...broken].some((session) => file.includes(session)));
    };
    // sessions of cut connections end a moment later
    await expect.poll(left, { timeout: 5_000 }).toEqual([]);
  };
  const expectUntouched = async (): Promise<void> => {
    expect(await tagsOf(registry.url, "scene/app")).toEqual(["kept"]);
    expect((await readImage(scene.names.target)).digest).toBe(scene.base.top.descriptor.digest);
    await expectNoUploads();
  };
  const faulty: FaultScene = {
    scene,
    proxy,
    storage,
    digest,
    layer: top.digest,
    outcomes,
    resumes,
    isLayerGet: ({ method, path }) => method === "GET" && path.endsWith(scene.builderLayer),
    isLayerSent: ({ method, path, requestHeaders }) =>
      /^(?:PUT|PATCH)$/.test(method) &&
      path.includes("/blobs/uploads/") &&
      Number(requestHeaders["content-length"]) > 100_000,
    compose,
    async completes(name, changes, options) {
      const result = await compose(name, changes, options);
      expect(result.status, result.stderr).toBe(0);
      expect(await expectWhole(`${registry.host}/faults/${name}:1`), result.stderr).toBe(digest);
      await expectNoUploads();
      return result;
    },
    async refuses(refusal, changes, options) {
      const result = await compose("refused", { ...fresh(), verbose: undefined, ...changes }, options);
      await expectRefusal(result, refusal);
      await expectUntouched();
    },
    expectUntouched,
    fresh,
    expectWhole,
    reset() {
      outcomes.length = 0;
      proxy.fault = undefined;
      storage.fault = undefined;
      proxy.forget();
      storage.forget();
    },
    async stop() {
      await storage.stop();
      await scene.stop();
    },
  };
  return faulty;
}

/** A fault that befalls the first so many requests that match. */
export function first(times: number, matches: (exchange: Exchange) => boolean, fault: Fault): FaultRule {
  let left = times;
  return (exchange) => {
    if (left === 0 || !matches(exchange)) return undefined;
    left -= 1;
    return fault;
  };
}

/** A fault that befalls every request that matches. */
export function every(matches: (exchange: Exchange) => boolean, fault: Fault): FaultRule {
  return (exchange) => (matches(exchange) ? fault : undefined);
}

/** The fault of the first rule that has one. */
export function anyOf(...rules: readonly FaultRule[]): FaultRule {
  return (exchange) => {
    for (const rule of rules) {
      const fault = rule(exchange);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
}

/** An error as registries word it. */
export function errorAnswer(status: number, code: string, message: string, detail?: unknown): Fault {
  const headers = { "content-type": "application/json" };
  return { kind: "answer", status, headers, body: JSON.stringify({ errors: [{ code, message, detail }] }) };
}
