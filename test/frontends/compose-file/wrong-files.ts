/** A file that is refused, and what is said of it. */
export interface WrongFile {
  readonly text: string;
  /** What the message begins with: place, path and what is wrong. */
  readonly message: string;
  readonly hint: string;
  readonly code?: string;
  /** Whether the schema finds no fault: it cannot tell, or it is not about one document's values. */
  readonly isFineForSchema?: true;
}

const least = "builder: b:1\nbase: b:2\ncopy: [/a]\ntags: [t:1]\n";

/** The shortest file with one more line, which is line 5. */
const withLine = (line: string): string => `${least}${line}\n`;

/** The shortest file with another `copy`, on line 4. */
const withCopy = (copy: string): string => `builder: b:1\nbase: b:2\ntags: [t:1]\ncopy: ${copy}\n`;

/** Wrong files of all kinds. */
export const wrongFiles: readonly WrongFile[] = [
  // keys
  {
    text: withLine("enviroment: {}"),
    message: '5:1: "enviroment" is not a known key',
    hint: "Known are builder",
  },
  { text: withLine("entrypiont: [a]"), message: '5:1: "entrypiont" is', hint: "Did you mean entrypoint?" },
  { text: withLine("workDir: /a"), message: '5:1: "workDir" is', hint: "Did you mean workdir?" },
  { text: withLine("label: {}"), message: '5:1: "label" is', hint: "Did you mean labels?" },
  {
    text: withCopy("[{src: /a, dest: /b}]"),
    message: '4:18: "dest" is not a known key of copy[0]',
    hint: "Did you mean dst?",
  },
  {
    text: withCopy("[{source: /a}]"),
    message: '4:9: "source" is not a known key of copy[0]',
    hint: "Known are from, src",
  },
  { text: withCopy("[{dst: /a}]"), message: "4:8: copy[0] lacks the key src", hint: "src:" },
  {
    text: withLine("healthcheck: {test: [NONE], every: 1s}"),
    message: '5:29: "every" is not a known key of healthcheck',
    hint: "interval",
  },
  {
    text: withLine("builders: {1x: b:1}"),
    message: '5:12: "1x" is no name of builders',
    hint: "begins with a letter",
  },
  {
    text: withLine("env: {A: 1, A: 2}"),
    message: "5:13: map keys must be unique",
    hint: "indentation",
    isFineForSchema: true,
  },
  // types
  {
    text: "- a\n",
    message: "1:1: the document has to be a mapping with builder, base, copy and tags, and is a list",
    hint: "Write a mapping",
  },
  { text: "text\n", message: "1:1: the document has to be a mapping", hint: "Write a mapping" },
  {
    text: withLine("env: [A=b]"),
    message: "5:6: env has to be a mapping of texts, and is a list",
    hint: "Write a mapping of texts",
  },
  {
    text: withLine("env: {A: {b: c}}"),
    message: "5:10: env.A has to be text, and is a mapping",
    hint: "Write text",
  },
  { text: withLine("env: {A: }"), message: "5:10: env.A has to be text, and is nothing", hint: "Write text" },
  {
    text: withLine("labels: {org.example.x: [a]}"),
    message: '5:25: labels."org.example.x" has to be text, and is a list',
    hint: "text",
  },
  {
    text: withLine("workdir: 5"),
    message: "5:10: workdir has to be a path, and is a number",
    hint: "Write a path",
  },
  {
    text: withLine("workdir:"),
    message: "5:9: workdir has to be a path, and is nothing",
    hint: "Write a path",
  },
  { text: withLine('workdir: ""'), message: "5:10: workdir is empty", hint: "leave the key out" },
  { text: withLine("user: [a]"), message: "5:7: user has to be a user, and is a list", hint: "Write a user" },
  {
    text: withLine("expose: 8080"),
    message: "5:9: expose has to be a list of ports, and is a number",
    hint: "Write a list",
  },
  {
    text: withLine("volumes: /data"),
    message: "5:10: volumes has to be a list of paths, and is text",
    hint: "Write a list",
  },
  {
    text: withLine("entrypoint: {a: b}"),
    message: "5:13: entrypoint has to be text, and is a mapping",
    hint: "text",
  },
  { text: withLine("shell: []"), message: "5:8: shell is an empty list", hint: "Write a list" },
  {
    text: withCopy("/a"),
    message: "4:7: copy has to be a list of what to copy, and is text",
    hint: "Write a list",
  },
  {
    text: withCopy("[]"),
    message: "1:1: the document has a builder, and copies nothing",
    hint: "what to copy",
    isFineForSchema: true,
  },
  {
    text: withCopy("[[/a]]"),
    message: "4:8: copy[0] has to be SRC[:DST], or a mapping with src, and is a list",
    hint: "SRC[:DST]",
  },
  { text: withCopy("[{src: []}]"), message: "4:14: copy[0].src is an empty list", hint: "list of paths" },
  {
    text: withCopy("[{src: /a, link: 1}]"),
    message: "4:24: copy[0].link has to be true or false, and is a number",
    hint: "true or false",
  },
  {
    text: withCopy('[{src: /a, link: "true"}]'),
    message: "4:24: copy[0].link has to be true or false, and is text",
    hint: "true or false",
  },
  {
    text: withCopy("[{src: /a, exclude: x}]"),
    message: "4:27: copy[0].exclude has to be a list of patterns, and is text",
    hint: "list",
  },
  {
    text: withLine("platforms: {linux: amd64}"),
    message: "5:12: platforms has to be a platform, and is a mapping",
    hint: "Write a platform",
  },
  {
    text: withLine("platforms: []"),
    message: "5:12: platforms is an empty list",
    hint: "or all",
  },
  {
    text: withLine("platforms: [all, linux/arm64]"),
    message: "5:12: platforms: all, and others beside it",
    hint: "all alone",
    isFineForSchema: true,
  },
  {
    text: withLine("platforms: [linux/amd64, linux arm64]"),
    message: '5:26: platforms[1]: not a platform: "linux arm64"',
    hint: "linux/arm64",
    code: "PLATFORM_INVALID",
    isFineForSchema: true,
  },
  {
    text: withLine("healthcheck: {test: curl}"),
    message: "5:21: healthcheck.test has to be a list",
    hint: "[CMD, /bin/check]",
  },
  {
    text: withLine("healthcheck: {test: [NONE], retries: often}"),
    message: "5:38: healthcheck.retries has to be a whole number, and is text",
    hint: "whole number",
  },
  {
    text: withLine("sourceDateEpoch: 999999999999"),
    message: '5:18: sourceDateEpoch: the source date epoch "999999999999" is not',
    hint: "git log",
    isFineForSchema: true,
  },
  {
    text: withLine("healthcheck: {interval: 1s}"),
    message: "5:14: healthcheck lacks the key test",
    hint: "test:",
  },
  // values
  { text: withLine("compression: brotli"), message: "5:14: compression brotli is not known", hint: "gzip" },
  { text: withLine("record: labels"), message: "5:9: record labels is not known", hint: "annotations, none" },
  { text: withLine("format: OCI"), message: "5:9: format OCI is not known", hint: "oci, docker" },
  { text: withLine("expose: [http]"), message: "5:10: expose[0] http is not a port", hint: "65535" },
  {
    text: withLine("expose: [80, 70000]"),
    message: "5:14: expose[1] 70000 is not a port",
    hint: "65535",
    isFineForSchema: true,
  },
  {
    text: withLine("volumes: [data]"),
    message: "5:11: volumes[0] data is not an absolute path",
    hint: "/var/lib",
    isFineForSchema: true,
  },
  { text: withLine("stopSignal: term"), message: "5:13: stopSignal term is not a signal", hint: "SIGTERM" },
  {
    text: withLine("sourceDateEpoch: now"),
    message: "5:18: sourceDateEpoch has to be a number of seconds since 1970, and is text",
    hint: "1970",
  },
  {
    text: withLine("sourceDateEpoch: 1.5"),
    message: "5:18: sourceDateEpoch has to be a number of seconds since 1970, and is a number",
    hint: "1970",
  },
  {
    text: withLine("healthcheck: {test: [NONE], interval: 30}"),
    message: "5:39: healthcheck.interval 30 is not a duration",
    hint: "30s",
    isFineForSchema: true,
  },
  {
    text: withLine("entrypoint: node server.js"),
    message: "5:13: entrypoint node server.js has spaces",
    hint: "[node, server.js]",
  },
  {
    text: withLine("builderPlatform: a/b/c/d"),
    message: '5:18: builderPlatform: not a platform: "a/b/c/d"',
    hint: "linux/arm64",
    code: "PLATFORM_INVALID",
    isFineForSchema: true,
  },
  {
    text: withLine("builders: {x: Upper/Case}"),
    message: "5:15: builders.x: malformed reference",
    hint: "lower case",
    code: "REFERENCE_INVALID",
    isFineForSchema: true,
  },
  {
    text: "builder: https://b\nbase: b\ncopy: [/a]\ntags: [t]\n",
    message: "1:10: builder: malformed reference",
    hint: "http",
    code: "REFERENCE_INVALID",
    isFineForSchema: true,
  },
  {
    text: `builder: b\nbase: b\ncopy: [/a]\ntags: [x@sha256:${"0".repeat(64)}]\n`,
    message: "4:8: tags[0] x@sha256:",
    hint: "from @ on",
    isFineForSchema: true,
  },
  {
    text: withCopy("[/a:/b:/c]"),
    message: "4:8: copy[0] /a:/b:/c: it has more than one colon",
    hint: "SRC:DST",
    isFineForSchema: true,
  },
  {
    text: withCopy('[":/c"]'),
    message: "4:8: copy[0] :/c: a path is empty",
    hint: "SRC:DST",
    isFineForSchema: true,
  },
  {
    text: withCopy("[/a/../../b]"),
    message: "4:8: copy[0] /a/../../b: /a/../../b lies outside",
    hint: "root",
    isFineForSchema: true,
  },
  {
    text: withCopy('["/a/*.js"]'),
    message: "4:8: copy[0] /a/*.js: a pattern needs a destination",
    hint: "PATTERN:DST/",
    isFineForSchema: true,
  },
  {
    text: withCopy('[{src: "/a/*"}]'),
    message: "4:8: copy[0]: a pattern needs a destination",
    hint: "PATTERN:DST/",
    isFineForSchema: true,
  },
  {
    text: withCopy("[{src: ../a}]"),
    message: "4:14: copy[0].src: ../a lies outside",
    hint: "root",
    isFineForSchema: true,
  },
  {
    text: withCopy("[{src: [/a, /b]}]"),
    message: "4:8: copy[0] has several sources and no dst",
    hint: "slash",
    isFineForSchema: true,
  },
  {
    text: withCopy("[{src: [/a, /b], dst: /c}]"),
    message: "4:8: copy[0] has several sources, and /c is a single name",
    hint: "dst: /c/",
    isFineForSchema: true,
  },
  {
    text: withCopy("[{src: /a, chmod: u+x}]"),
    message: "4:25: copy[0].chmod u+x is not an octal mode",
    hint: "0755",
  },
  {
    text: withCopy("[{src: /a, chmod: 0888}]"),
    message: "4:25: copy[0].chmod 0888 is not an octal mode",
    hint: "0755",
    isFineForSchema: true,
  },
  {
    text: withCopy('[{src: /a, chown: "a:b:c"}]'),
    message: '4:25: copy[0].chown: malformed owner "a:b:c"',
    hint: "user:group",
    isFineForSchema: true,
  },
  {
    text: withLine("context: ./src"),
    message: "1:1: the document has the key context, and no copy is from the context",
    hint: "from: context",
    isFineForSchema: true,
  },
  {
    text: `stages:\n${Array.from({ length: 2000 }, (_, i) => `  s${i}: {base: b:1, copy: [{src: /a, from: s${i + 1}}]}\n`).join("")}  s2000: {base: b:1}\n${withCopy("[{src: /a, from: s0}]")}`,
    message: "1001:44: stages.s999.copy[0].from s1000: more than 1000 stages in a row",
    hint: "into one",
    isFineForSchema: true,
  },
  {
    text: withLine(`env: {A: '${"${base:A:-".repeat(9000)}${"}".repeat(9000)}'}`),
    message: "5:10: env.A has references within each other too deeply",
    hint: "the limit is 100",
    isFineForSchema: true,
  },
  {
    text: withLine("ignoreFiles: [Dockerfile.dockerignore]"),
    message: "1:1: the document has the key ignoreFiles, and no copy is from the context",
    hint: "from: context",
    isFineForSchema: true,
  },
  {
    text: `builders: {context: b:1}\ncontext: .\n${withCopy("[{src: /a, from: context}]")}`,
    message: "1:1: the document has the key context, and a builder of the name context",
    hint: "something else",
    isFineForSchema: true,
  },
  {
    text: withCopy("[{src: /a, from: ./dist}]"),
    message: "4:24: copy[0].from ./dist is a path, not an image",
    hint: "local:./dist",
    code: "REFERENCE_INVALID",
    isFineForSchema: true,
  },
  {
    text: withCopy("[/a]").replace("base: b:2", "base: local:dir"),
    message: "2:7: base local:dir is a directory of this machine, and no image",
    hint: "only be copied from",
    code: "REFERENCE_INVALID",
    isFineForSchema: true,
  },
  {
    text: `builders: {build: b:1}\n${withCopy("[{src: /a, from: biuld}]")}`,
    message: "5:24: copy[0].from biuld is not the name of a builder",
    hint: "Did you mean build? Names are build.",
    isFineForSchema: true,
  },
  {
    text: withCopy("[{src: /a, from: other}]"),
    message: "4:24: copy[0].from other is not the name",
    hint: "other:latest",
    isFineForSchema: true,
  },
  {
    text: withCopy("[{src: /a, from: a/B}]"),
    message: "4:24: copy[0].from: malformed reference",
    hint: "lower case",
    code: "REFERENCE_INVALID",
    isFineForSchema: true,
  },
  // stages
  {
    text: withLine("stages: {build: {copy: []}}"),
    message: "5:17: stages.build lacks the key base",
    hint: "Write base:",
  },
  {
    text: withLine("stages: {build: {base: b:1, env: {A: x}}}"),
    message: '5:29: "env" is not a known key of stages.build',
    hint: "Known are base, platform, copy, workdir",
  },
  {
    text: withLine("stages: {1st: {base: b:1}}"),
    message: '5:10: "1st" is no name of stages',
    hint: "begins with a letter",
  },
  {
    text: `stages: {a: {base: b:1, copy: [/x]}}\n${withCopy("[{src: /a, from: a}]")}`,
    message: "1:13: stages.a.copy[0] does not say what to copy from",
    hint: "from:",
    isFineForSchema: true,
  },
  {
    text: `stages: {a: {base: b:1, copy: [{src: /x, from: b}]}, b: {base: b:1, copy: [{src: /x, from: a}]}}\n${withCopy("[{src: /a, from: a}]")}`,
    message: "1:92: stages.b.copy[0].from a is copied from by b, and the other way round",
    hint: "in a circle: a, b, a",
    isFineForSchema: true,
  },
  {
    text: `stages: {a: {base: b:1, copy: [{src: /x, from: a}]}}\n${withCopy("[{src: /a, from: a}]")}`,
    message: "1:48: stages.a.copy[0].from a is copied from by a, and the other way round",
    hint: "in a circle: a, a",
    isFineForSchema: true,
  },
  {
    text: `stages: {a: {base: b:1}}\nbuilders: {a: a:1}\n${withCopy("[{src: /a, from: a}]")}`,
    message: "1:1: the document has a stage and a builder of the name a",
    hint: "Call one something else.",
    isFineForSchema: true,
  },
  {
    text: `stages: {build: {base: b:1}}\n${withCopy("[{src: /a, from: biuld}]")}`,
    message: "5:24: copy[0].from biuld is not the name of a builder or stage",
    hint: "Did you mean build? Names are build.",
    isFineForSchema: true,
  },
  // variables of the base's
  {
    text: withLine("historyComment: by ${base:NAME}"),
    message: "5:17: historyComment refers to the base's environment, which is not known here",
    hint: "--var",
    isFineForSchema: true,
  },
  {
    text: withLine("cmd: [a, '${base:NAME}']"),
    message: "5:10: cmd[1] refers to the base's environment",
    hint: "--var",
    isFineForSchema: true,
  },
  {
    text: withLine("sourceDateEpoch: ${base:NAME}"),
    message: "5:18: sourceDateEpoch refers to the base's environment",
    hint: "--var",
    isFineForSchema: true,
  },
  {
    text: withCopy("['${base:DIR}:/x']"),
    message: "4:8: copy[0] refers to the base's environment",
    hint: "--var",
    isFineForSchema: true,
  },
  {
    text: withCopy("[{src: '${base:DIR}'}]"),
    message: "4:8: copy[0] refers to the base's environment in src, and has no dst",
    hint: "Write dst:",
    isFineForSchema: true,
  },
  ...[
    "${base:A",
    "${base:A:x}",
    "${base:A=x}",
    "${base:A/b}",

    "${base:A#}b}${base:",
  ].map(
    (text): WrongFile => ({
      text: withLine(`user: '${text}'`),
      message: "5:7: user has a",
      hint: "${",
      isFineForSchema: true,
    }),
  ),
  {
    text: withLine("user: '${base:A#\\\\a}${base:B=${1}:?x}'"),
    message: "5:7: user has a malformed",
    hint: "${base:NAME}",
    isFineForSchema: true,
  },
  // variables
  {
    text: withLine("user: ${WHO}"),
    message: "5:7: user needs the variable WHO, which is not given",
    hint: "--var WHO=VALUE",
    isFineForSchema: true,
  },
  {
    text: withLine("env: {PATH: $PATH}"),
    message: "5:13: env.PATH has a lone dollar sign",
    hint: "$$",
    isFineForSchema: true,
  },
  {
    text: withLine("tags: [t:${V}]").replace("tags: [t:1]\n", ""),
    message: "4:11: ",
    hint: "Inside [ ] and { }, ${NAME} needs quotes.",
    isFineForSchema: true,
  },
  // what is missing
  {
    text: "base: b\ncopy: [/a]\ntags: [t]\n",
    message: "1:1: the document does not say what to copy from",
    hint: "--builder",
    isFineForSchema: true,
  },
  {
    text: "builders: {a: a:1, b: b:1}\nbase: b\ncopy: [/a, {from: a, src: /b}]\ntags: [t]\n",
    message: "1:1: the document does not say what to copy from",
    hint: "from:",
    isFineForSchema: true,
  },
  {
    text: "builder: b\ncopy: [/a]\ntags: [t]\n",
    message: "1:1: the document lacks the key base",
    hint: "scratch",
    isFineForSchema: true,
  },
  {
    text: "builder: b\nbase: b\ntags: [t]\n",
    message: "1:1: the document lacks the key copy",
    hint: "--directory",
    isFineForSchema: true,
  },
  {
    text: "builder: b\nbase: b\ncopy: [/a]\n",
    message: "1:1: the document does not say where to push to",
    hint: "--tag",
    isFineForSchema: true,
  },
  { text: "", message: "1:1: there is nothing in it", hint: "schema", isFineForSchema: true },
  // several documents
  {
    text: `${least}---\n${least}base2: x\n`,
    message: '10:1: "base2" is not a known key',
    hint: "Did you mean base?",
    isFineForSchema: true,
  },
  {
    text: `${least}---\n${least}`,
    message: "6:1: docker.io/library/t:1 is the name of the image at f:1:1 already",
    hint: "tags of its own",
    isFineForSchema: true,
  },
];
