import type { Call } from "../io/call.ts";
import type { MemberHead, TarMember } from "../tar/member.ts";

/** A member of a layer as a listing has it. */
export interface ListedMember extends MemberHead {
  /** The file's content where the listing has it, as for few. */
  readonly content: Uint8Array | undefined;
}

/**
 * What one layer holds, kept so that the layer itself need not be read again: every member in the order of the tar, few
 * with their content. It is a help only: where nothing is kept, or cannot be, the layer is read.
 */
export interface LayerListing {
  /**
   * The members that a reading of the layer told of; `undefined` where none are kept. They count only once their end is
   * reached, as with a layer.
   *
   * @throws while reading, for whatever reason: then the listing is to be discarded, and the layer read.
   */
  members(call: Call): Promise<AsyncIterable<ListedMember> | undefined>;
  /** Forgets what is kept. Does not fail. */
  discard(): Promise<void>;
  /** Begins to take down what a reading tells. */
  record(): ListingRecorder;
}

/** Takes a layer's members down. None of this fails. */
export interface ListingRecorder {
  /** Whether the listing is to have the member's content. */
  holdsContent(member: MemberHead): boolean;
  /** Takes a member; gives a promise where the next one has to wait. */
  add(member: TarMember, content: Uint8Array | undefined): Promise<void> | undefined;
  /** Keeps the listing: the layer was read to its verified end, and all of it makes sense. */
  keep(): Promise<void>;
  /** Leaves nothing behind. Does nothing after {@link keep}. */
  drop(): Promise<void>;
}
