/** For options that may be given several times: commander calls it with each value and what came before. */
export function collectOption(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}
