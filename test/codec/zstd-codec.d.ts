declare module "zstd-codec" {
  export const ZstdCodec: {
    run(
      done: (zstd: { Simple: new () => { compress(plain: Uint8Array, level: number): Uint8Array } }) => void,
    ): void;
  };
}
