/** Whether a destination, as typed, can only be a directory: several files may go into it. */
export function namesDirectory(destination: string): boolean {
  return /(?:^|\/)\.?$/.test(destination);
}
