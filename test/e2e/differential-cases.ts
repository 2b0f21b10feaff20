/** Layers that a peer is known to see in another way, each named as `fixtures/peers.yaml` names it. */
export interface ViewCase {
  readonly name: string;
  /** Bottom to top, in lines as the cases of `fixtures/layers` have them. */
  readonly layers: readonly string[];
}

/** A copy that a peer is known to make in another way. */
export interface SmallCopyCase {
  readonly name: string;
  readonly builder: readonly string[];
  readonly base: readonly string[];
  readonly directories: readonly string[];
  readonly chmod?: string;
  readonly chown?: string;
}

export const viewCases: readonly ViewCase[] = [
  { name: "a parent without an entry", layers: ["file d/a"] },
  { name: "a parent without an entry in a directory with one", layers: ["dir d mtime=5", "file d/e/a"] },
  { name: "a parent without an entry below a setgid directory", layers: ["dir d 2755 55:66", "file d/e/a"] },
  { name: "a hardlink to a symlink", layers: ["link a -> b\nhard c => a 0777"] },
  { name: "a hardlink to a device", layers: ["char a 1,3\nhard c => a"] },
  { name: "a child below a file of a lower layer", layers: ["file d", "file d/a"] },
  { name: "a file below a symlink to itself", layers: ["link d -> d", "file d/a"] },
];

export const smallCopyCases: readonly SmallCopyCase[] = [
  {
    name: "several matches without a slash",
    builder: ["file d/a\nfile d/b"],
    base: ["dir e"],
    directories: ["/d/?:/new"],
  },
  {
    name: "a wildcard above a symlink to a directory",
    builder: ["dir d\ndir d/e\nfile d/e/x\nlink a -> d/e"],
    base: ["dir e"],
    directories: ["/*/x:/e/"],
  },
  {
    name: "a device to a name",
    builder: ["dir d\nfifo d/a"],
    base: ["dir e"],
    directories: ["/d/a:/e/b"],
  },
  {
    name: "a device to the name of another",
    builder: ["dir d\nfifo d/a"],
    base: ["dir e\nfifo e/b"],
    directories: ["/d/a:/e/b"],
  },
  {
    name: "a file to the name of a block device",
    builder: ["dir d\nfile d/a"],
    base: ["dir e\nblock e/b 7,675"],
    directories: ["/d/a:/e/b"],
  },
  {
    name: "a file to the name of a character device",
    builder: ["dir d\nfile d/a"],
    base: ["dir e\nchar e/b 1,3"],
    directories: ["/d/a:/e/b"],
  },
  {
    name: "a file to the name of a FIFO",
    builder: ["dir d\nfile d/a"],
    base: ["dir e\nfifo e/b"],
    directories: ["/d/a:/e/b"],
  },
  {
    name: "a file to a symlink that leads nowhere",
    builder: ["dir d\nfile d/a"],
    base: ["dir e\nlink e/b -> nowhere"],
    directories: ["/d/a:/e/b"],
  },
  {
    name: "an empty directory onto one of the base",
    builder: ["dir d mtime=5"],
    base: ["dir e mtime=7"],
    directories: ["/d:/e"],
  },
];
