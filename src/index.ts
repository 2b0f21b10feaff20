export { type BuildContext, parseBuildContext } from "./frontends/dockerfile/build-contexts.ts";
export { type DockerfilePlanOptions, planDockerfile } from "./frontends/dockerfile/plan-dockerfile.ts";
export { type ComposeFlags, parseComposeFlags } from "./frontends/flags/compose-flags.ts";
export { parseMirrorLock } from "./frontends/mirror-file/lock-file.ts";
export { type MirrorFileOptions, parseMirrorFile } from "./frontends/mirror-file/mirror-file.ts";
export { type ComposeFileOptions, parseComposeFile } from "./frontends/plans.ts";
export type { Side, TransferEvent, TransferListener } from "./io/transfer.ts";
export { type ConfigFile, hostsToml } from "./mirror/far-side/hosts-toml.ts";
export { mirrorSets } from "./mirror/far-side/mirror-sets.ts";
export type { MirroredName, MirrorRegistry } from "./mirror/far-side/mirrored-name.ts";
export { registriesConf } from "./mirror/far-side/registries-conf.ts";
export { type Inventory, type InventoryRepository, parseInventory } from "./mirror/inventory.ts";
export { type LoadOptions, loadMirror } from "./mirror/load-mirror.ts";
export type { MirroredImage, MirrorFault } from "./mirror/mirror-outcome.ts";
export { type MirrorOptions, type MirrorResult, runMirror } from "./mirror/run-mirror.ts";
export type { Descriptor } from "./model/descriptor.ts";
export type { Digest } from "./model/digest.ts";
export { ComposeImageError, type ErrorCode } from "./model/errors.ts";
export type { HostLimits } from "./model/host-limits.ts";
export type { ImageLocation } from "./model/location.ts";
export {
  type FilePlace,
  type MirrorPlace,
  parseMirrorPlace,
  type RegistryPlace,
} from "./model/mirror-place.ts";
export type { Platform } from "./model/platform.ts";
export type { ComposedImage } from "./ops/assemble-image.ts";
export {
  type ComposeFigures,
  type ComposeOptions,
  type ComposeResult,
  compose,
  type PushedImage,
} from "./ops/compose.ts";
export type { ComposeForecast, TargetForecast } from "./ops/compose-forecast.ts";
export { type CopyOptions, type CopyResult, copyImages } from "./ops/copy-images.ts";
export { type CopyTarget, parseCopyLocations } from "./ops/copy-locations.ts";
export type { ComposePlan, ConfigChanges, CopySource, CopyStep, Stage } from "./plan/compose-plan.ts";
export type {
  ChosenImage,
  LockedImage,
  MirrorLock,
  MirrorPlan,
  MirrorRepository,
} from "./plan/mirror-plan.ts";
export type { Text, TextTemplate } from "./plan/text.ts";
