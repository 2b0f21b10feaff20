import type { FaultScene } from "../../support/fault-scene.ts";
import type { Exchange } from "../../support/recording-proxy.ts";

/** Cases by name, `ROW` or `ROW--VARIANT` of docs/faults.md. */
export type FaultCases = Readonly<Record<string, (scene: FaultScene) => Promise<void>>>;

export const isUploadStart = ({ method, path, query }: Exchange): boolean =>
  method === "POST" && path.endsWith("/blobs/uploads/") && !query.has("mount");
export const isMount = ({ method, query }: Exchange): boolean => method === "POST" && query.has("mount");
export const isManifestPut = ({ method, path }: Exchange): boolean =>
  method === "PUT" && path.includes("/manifests/");
export const isTagPut = (exchange: Exchange): boolean =>
  isManifestPut(exchange) && !exchange.path.includes("/manifests/sha256:");
export const isBuilderManifest = ({ path }: Exchange): boolean => path === "/v2/scene/builder/manifests/1";

/** What a request said of the part of an upload that it brings. */
export const partOf = (exchange: Exchange | undefined): string | undefined =>
  exchange?.requestHeaders["content-range"];

/** Waits for something to be the case. */
export async function until(probe: () => boolean): Promise<void> {
  while (!probe()) await new Promise((resolve) => setTimeout(resolve, 10));
}
