import type { CopyCase } from "../support/copy-case.ts";

const source = "opt/app-root/src";

/** What is composed and compared, each named as `fixtures/peers.yaml` names it. */
export const copyCases: readonly CopyCase[] = [
  {
    name: "a source tree at the path it had",
    directories: [`/${source}`],
    copied: [{ from: source, to: source }],
  },
  {
    name: "destinations of every kind",
    directories: [
      `/${source}/modes:/srv/new/deep/modes`,
      `/${source}/times:/tmp/times`,
      `/${source}/bin:/bin`,
      `/${source}/owners:/var/run/owners`,
      `/${source}/public:/opt/dangling`,
      `/${source}/templates:templates`,
    ],
    copied: [
      { from: `${source}/modes`, to: "srv/new/deep/modes" },
      { from: `${source}/times`, to: "tmp/times" },
      { from: `${source}/bin/hello`, to: "usr/bin/hello" },
      { from: `${source}/owners`, to: "run/owners" },
      { from: `${source}/public`, to: "nowhere" },
      { from: `${source}/templates`, to: "opt/app-root/templates" },
    ],
  },
  {
    name: "sources that are symlinks, files and wildcards",
    directories: [
      "/opt/app-root/programs:/srv/programs",
      `/${source}/links/relative:/srv/tool`,
      `/${source}/links/relative:/srv/tools/`,
      `/${source}/*.js*:/srv/found/`,
      `/${source}/[pt]*:/srv/found/`,
    ],
    copied: [
      { from: `${source}/bin`, to: "srv/programs" },
      { from: `${source}/bin/hello`, to: "srv/tool" },
      { from: `${source}/bin/hello`, to: "srv/tools/relative" },
      { from: `${source}/server.js`, to: "srv/found/server.js" },
      { from: `${source}/public/index.html`, to: "srv/found/index.html" },
    ],
  },
  {
    name: "times with fractions of a second",
    builder: "precise",
    directories: ["/precise:/srv/precise"],
    copied: [{ from: "precise", to: "srv/precise" }],
  },
  {
    name: "a wildcard that matches nothing",
    directories: [`/${source}/*.none:/srv/found/`],
    absent: ["srv/found"],
  },
  { name: "a source that is missing", directories: [`/${source}/none:/srv/found/`], status: 4 },
  {
    name: "another owner",
    directories: [`/${source}/modes:/srv/a/modes`, `/${source}/attributes:/srv/a/attributes`],
    chown: "app:deploy",
  },
  {
    name: "another mode",
    directories: [`/${source}/modes:/srv/a/modes`, `/${source}/links:/srv/a/links`],
    chmod: "0751",
  },
  { name: "a directory onto one of the base", directories: ["/opt/dataset:/srv/data"] },
  {
    name: "a directory where the base has a file",
    directories: ["/opt/dataset-conflict:/srv/data"],
    status: 2,
  },
  {
    name: "an interpreter among the base's system directories",
    directories: ["/usr/lib/python3.11", "/usr/bin/python3.11"],
    copied: [
      { from: "usr/lib/python3.11", to: "usr/lib/python3.11" },
      { from: "usr/bin/python3.11", to: "usr/bin/python3.11" },
    ],
  },
  {
    name: "a configuration of its own",
    directories: [`/${source}/public:/srv/public`],
    env: ["APP_ENV=production", "GREETING=hello there", "EMPTY="],
    labels: ["stage=final", "org.example.owner=team a"],
    workdir: "/srv/work/here",
    user: "app:deploy",
    entrypoint: ["/srv/tool", "--serve"],
    expose: ["9090/udp"],
  },
  {
    name: "a command of its own",
    directories: [`/${source}/public:/srv/public`],
    cmd: ["echo", "composed"],
  },
  {
    name: "patterns that exclude",
    directories: [`/${source}:/srv/app`],
    exclude: ["node_modules", "**/*.html"],
    copied: [
      { from: `${source}/public/style.css`, to: "srv/app/public/style.css" },
      { from: `${source}/modes`, to: "srv/app/modes" },
    ],
    absent: ["srv/app/node_modules", "srv/app/public/index.html"],
  },
  {
    name: "a copy that does not look at the base",
    directories: [`/${source}/public:/srv/public`],
    link: true,
    copied: [{ from: `${source}/public`, to: "srv/public" }],
  },
];
