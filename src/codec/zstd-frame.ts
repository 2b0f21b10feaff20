/**
 * Finds where a zstd frame ends, from its header and its blocks' headers, without unpacking it. Takes the frame in
 * pieces of any size.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1
 */
export class ZstdFrameScanner {
  #part: "descriptor" | "header" | "blockHeader" | "block" | "checksum" | "end" = "descriptor";
  /** How many bytes of the current part are still to come. */
  #missing = 5;
  /** The bytes of a block header as they come, little endian. */
  #blockHeader = 0;
  #hasChecksum = false;
  #lastBlock = false;

  /** Whether the frame's last byte has been seen. */
  get complete(): boolean {
    return this.#part === "end";
  }

  /** Takes the next bytes. Gives how many of them are the frame's: fewer than all when it ends within them. */
  scan(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.byteLength && !this.complete) {
      if (this.#part === "descriptor" || this.#part === "blockHeader") {
        const byte = bytes[at] ?? 0;
        at += 1;
        this.#missing -= 1;
        if (this.#part === "blockHeader") this.#blockHeader |= byte << (8 * (2 - this.#missing));
        if (this.#missing === 0) this.#enterAfter(byte);
      } else {
        const step = Math.min(this.#missing, bytes.byteLength - at);
        at += step;
        this.#missing -= step;
        if (this.#missing === 0) this.#enterAfter(0);
      }
    }
    return at;
  }

  /** Goes to the part after the current one, or past it when it has no bytes. */
  #enterAfter(lastByte: number): void {
    do {
      switch (this.#part) {
        case "descriptor":
          this.#hasChecksum = (lastByte & 0x04) !== 0;
          this.#part = "header";
          this.#missing = headerLength(lastByte);
          break;
        case "header":
          this.#enterBlock();
          break;
        case "blockHeader": {
          const type = (this.#blockHeader >> 1) & 3;
          this.#lastBlock = (this.#blockHeader & 1) === 1;
          this.#part = "block";
          this.#missing = type === repeatedByte ? 1 : this.#blockHeader >> 3;
          break;
        }
        case "block":
          if (!this.#lastBlock) this.#enterBlock();
          else {
            this.#part = this.#hasChecksum ? "checksum" : "end";
            this.#missing = 4;
          }
          break;
        default:
          this.#part = "end";
          this.#missing = 0;
          return;
      }
    } while (this.#missing === 0);
  }

  #enterBlock(): void {
    this.#part = "blockHeader";
    this.#blockHeader = 0;
    this.#missing = 3;
  }
}

/** The block type whose one byte of content stands for as many as the block's size says. */
const repeatedByte = 1;

/** How many bytes of frame header come after the frame header descriptor. */
function headerLength(descriptor: number): number {
  const singleSegment = (descriptor & 0x20) !== 0;
  const windowDescriptor = singleSegment ? 0 : 1;
  const dictionaryId = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return windowDescriptor + dictionaryId + contentSize;
}
