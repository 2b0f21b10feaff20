import type { Descriptor } from "../model/descriptor.ts";
import type { Platform } from "../model/platform.ts";

/** What an image is to the work; `image` where there is only one, `registry` where there is none. */
export type Side = "source" | "builder" | "base" | "old base" | "new base" | "target" | "image" | "registry";

/** Whose a blob is. */
interface OfPlatform {
  /** Where several platforms are composed, and this one alone has the blob. */
  readonly platform?: Platform | undefined;
}

/**
 * What happens on the wire, as it happens. `bytes` counts what this event adds, not a total; bytes that are sent or
 * read again after a fault are counted again.
 */
export type TransferEvent =
  | (OfPlatform & {
      readonly kind: "started";
      readonly direction: "download" | "upload";
      readonly store: string;
      readonly descriptor: Descriptor;
    })
  | (OfPlatform & {
      readonly kind: "progress";
      readonly direction: "download" | "upload";
      readonly store: string;
      readonly descriptor: Descriptor;
      readonly bytes: number;
    })
  | (OfPlatform & {
      readonly kind: "finished";
      readonly direction: "download" | "upload";
      readonly store: string;
      readonly descriptor: Descriptor;
    })
  | (OfPlatform & {
      readonly kind: "failed";
      readonly direction: "download" | "upload";
      readonly store: string;
      readonly descriptor: Descriptor;
    })
  | (OfPlatform & {
      readonly kind: "mounted";
      readonly store: string;
      readonly descriptor: Descriptor;
      readonly from: string;
    })
  | (OfPlatform & { readonly kind: "present"; readonly store: string; readonly descriptor: Descriptor })
  | {
      readonly kind: "tagged";
      readonly store: string;
      readonly descriptor: Descriptor;
      readonly tag: string;
    }
  | {
      readonly kind: "retry";
      readonly store: string;
      readonly what: string;
      /** The blob that is on its way, where it is one. */
      readonly transfer?: RetriedTransfer | undefined;
      readonly attempt: number;
      readonly delayMs: number;
      readonly reason: string;
    }
  | {
      /** What was asked for at one place is asked for at the next. */
      readonly kind: "fallback";
      readonly store: string;
      readonly place: string;
      readonly reason: string;
    }
  | {
      readonly kind: "request";
      readonly store: string;
      readonly method: string;
      readonly url: string;
      readonly status: number;
      readonly ms: number;
    }
  | { readonly kind: "warning"; readonly store: string; readonly message: string }
  /** What only those want to know who look closely. */
  | { readonly kind: "note"; readonly store: string; readonly message: string };

/** A blob whose transfer goes on after a fault. */
export interface RetriedTransfer {
  readonly direction: "download" | "upload";
  readonly descriptor: Descriptor;
}

/** Takes transfer events; must not throw. */
export type TransferListener = (event: TransferEvent) => void;

/** For callers that do not care. */
export const ignoreTransfers: TransferListener = () => {};
