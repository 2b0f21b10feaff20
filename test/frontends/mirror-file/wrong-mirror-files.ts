/** A file that is refused, and what is said of it. */
export interface WrongMirrorFile {
  readonly text: string;
  /** What the message begins with: place, path and what is wrong. */
  readonly message: string;
  readonly hint: string;
  readonly code?: string;
  /** Whether the schema finds no fault: it cannot tell, or it is not about one document's values. */
  readonly isFineForSchema?: true;
}

const fine = { isFineForSchema: true } as const;

/** The shortest file with one more line, which is line 2. */
const withLine = (line: string): string => `repositories: [{name: debian, tags: [a]}]\n${line}\n`;

/** A repository, whose keys begin at column 32 of line 1. */
const withKeys = (keys: string): string => `repositories: [{name: debian, ${keys}}]\n`;

/** A repository with tags; the first begins at column 38. */
const withTags = (tags: string): string => withKeys(`tags: [${tags}]`);

/** Wrong files of all kinds. */
export const wrongMirrorFiles: readonly WrongMirrorFile[] = [
  // the document
  { text: "# nothing\n", message: "1:1: there is nothing in it", hint: "mirror schema", ...fine },
  {
    text: `${withTags("a")}---\n${withTags("b")}`,
    message: "3:1: the document is a second one",
    hint: "one list",
    ...fine,
  },
  { text: "- a\n", message: "1:1: the document has to be a mapping", hint: "repositories" },
  { text: "prefix: a\n", message: "1:1: the document lacks the key repositories", hint: "repositories:" },
  {
    text: "repositories: []\n",
    message: "1:15: repositories is an empty list",
    hint: "list of repositories",
  },
  {
    text: "repositories: debian\n",
    message: "1:15: repositories has to be a list",
    hint: "list of repositories",
  },
  {
    text: "repositories: [debian]\n",
    message: "1:16: repositories[0] has to be a mapping",
    hint: "name and tags",
  },
  {
    text: withLine("repository: []"),
    message: '2:1: "repository" is not a known key',
    hint: "Did you mean repositories?",
  },
  {
    text: withLine("platform: [arm64]"),
    message: '2:1: "platform" is not a known key',
    hint: "Did you mean platforms?",
  },
  // repositories
  {
    text: "repositories: [{tags: [a]}]\n",
    message: "1:16: repositories[0] lacks the key name",
    hint: "name:",
  },
  {
    text: withKeys("tag: [a]"),
    message: '1:31: "tag" is not a known key of repositories[0]',
    hint: "Did you mean tags?",
  },
  { text: withKeys("maxage: 1d"), message: '1:31: "maxage" is not', hint: "Did you mean maxAge?" },
  {
    text: "repositories: [{name: debian}]\n",
    message: "1:16: repositories[0] does not say which tags are meant",
    hint: 'tags: ["*"]',
    ...fine,
  },
  {
    text: "repositories: [{name: ''}]\n",
    message: "1:23: repositories[0].name is empty",
    hint: "a repository",
  },
  {
    text: "repositories: [{name: Debian, tags: [a]}]\n",
    message: "1:23: repositories[0].name: malformed reference",
    hint: "lower case",
    code: "REFERENCE_INVALID",
    ...fine,
  },
  {
    text: "repositories: [{name: https://a.example/b, tags: [a]}]\n",
    message: "1:23: repositories[0].name: malformed reference",
    hint: "https://",
    code: "REFERENCE_INVALID",
    ...fine,
  },
  {
    text: "repositories: [{name: 'me:secret@a.example/b', tags: [a]}]\n",
    message: "1:23: repositories[0].name: a reference holds no user and password",
    hint: "login",
    code: "REFERENCE_INVALID",
    ...fine,
  },
  {
    text: "repositories: [{name: 'a.example/*', tags: [a]}]\n",
    message: "1:23: repositories[0].name: malformed reference",
    hint: "registry.example",
    code: "REFERENCE_INVALID",
    ...fine,
  },
  {
    text: "repositories: [{name: 'debian:12', tags: [a]}]\n",
    message: "1:23: repositories[0].name has a tag, and tags is there as well",
    hint: "all tags under tags:",
    ...fine,
  },
  {
    text: "repositories: [{name: 'debian:12', latest: 1}]\n",
    message: "1:23: repositories[0].name has a tag, and latest",
    hint: "under tags:",
    ...fine,
  },
  {
    text: `repositories: [{name: 'debian@sha256:${"0".repeat(64)}', exclude: [a]}]\n`,
    message: "1:23: repositories[0].name has a digest, and exclude",
    hint: "under digests:",
    ...fine,
  },
  {
    text: `repositories: [{name: 'debian:12@sha256:${"0".repeat(64)}'}]\n`,
    message: "1:23: repositories[0].name has a tag and a digest",
    hint: "lock file",
    ...fine,
  },
  {
    text: "repositories: [{name: 'debian@sha256:12'}]\n",
    message: "1:23: repositories[0].name: malformed reference",
    hint: "hexadecimal",
    code: "REFERENCE_INVALID",
    ...fine,
  },
  {
    text: "repositories: [{name: debian, tags: [a]}, {name: docker.io/library/debian, tags: [b]}]\n",
    message: "1:50: repositories[1].name docker.io/library/debian is at f:1:16 already",
    hint: "one list",
    ...fine,
  },
  {
    text: "repositories: [{name: debian, tags: [a]}, {name: quay.io/library/debian, tags: [a]}]\n",
    message: "1:43: repositories[1] goes to library/debian, and so does docker.io/library/debian at f:1:16",
    hint: "as:",
    ...fine,
  },
  // tags
  {
    text: withKeys("tags: a"),
    message: "1:37: repositories[0].tags has to be a list of tags, and is text",
    hint: "list of tags",
  },
  {
    text: withKeys("tags: []"),
    message: "1:37: repositories[0].tags is an empty list",
    hint: "list of tags",
  },
  { text: withTags("~"), message: "1:38: repositories[0].tags[0] has to be a tag", hint: "a tag" },
  {
    text: withTags("a, a"),
    message: "1:41: repositories[0].tags[1] says a again",
    hint: "Leave one",
    ...fine,
  },
  {
    text: withTags("'a*', {glob: 'a*'}"),
    message: '1:44: repositories[0].tags[1] says glob "a*" again',
    hint: "Leave one",
    ...fine,
  },
  {
    text: withTags("'.a'"),
    message: '1:38: repositories[0].tags[0] ".a" is no tag',
    hint: "does not begin with",
  },
  {
    text: withTags("'v[0-9]+'"),
    message: '1:38: repositories[0].tags[0] "v[0-9]+" is no tag',
    hint: "regex:",
  },
  { text: withTags("'>=1.2'"), message: '1:38: repositories[0].tags[0] ">=1.2" is no tag', hint: "semver:" },
  {
    text: withTags(`'sha256:${"0".repeat(64)}'`),
    message: '1:38: repositories[0].tags[0] "sha256:',
    hint: "digests:",
  },
  { text: withTags(`'${"a".repeat(129)}'`), message: '1:38: repositories[0].tags[0] "aaa', hint: "128" },
  {
    text: withTags("'[ab]*'"),
    message: '1:38: repositories[0].tags[0] "[ab]*" matches nothing: no tag has "["',
    hint: "regex:",
  },
  {
    text: withTags("{glob: 'a b'}"),
    message: '1:45: repositories[0].tags[0].glob "a b" matches nothing',
    hint: "regex:",
    ...fine,
  },
  {
    text: withTags("{glob: 'a\\'}"),
    message: "1:45: repositories[0].tags[0].glob: the pattern",
    hint: "backslash",
    ...fine,
  },
  {
    text: withTags("{glob: 1}"),
    message: "1:45: repositories[0].tags[0].glob has to be a pattern, and is a number",
    hint: "a pattern",
  },
  {
    text: withTags("{regex: '(a'}"),
    message: '1:46: repositories[0].tags[0].regex "(a" is no regular expression',
    hint: "Close",
    ...fine,
  },
  {
    text: withTags("{regex: '(?!a)b'}"),
    message: '1:46: repositories[0].tags[0].regex "(?!a)b" is no',
    hint: "exclude:",
    ...fine,
  },
  {
    text: withTags("{semver: '>=1.2, <2'}"),
    message: '1:47: repositories[0].tags[0].semver ">=1.2, <2" is no range',
    hint: "no commas",
    ...fine,
  },
  {
    text: withTags("{semver: '^1 ||'}"),
    message: '1:47: repositories[0].tags[0].semver "^1 ||" is no range',
    hint: "no commas",
    ...fine,
  },
  {
    text: withTags("{semver: latest}"),
    message: '1:47: repositories[0].tags[0].semver "latest" is no range',
    hint: ">=1.2 <2",
    ...fine,
  },
  {
    text: withTags("{glob: 'a*', regex: a}"),
    message: "1:38: repositories[0].tags[0] has glob and regex",
    hint: "an item of its own",
  },
  {
    text: withTags("{regex: a, prereleases: true}"),
    message: "1:38: repositories[0].tags[0] has prereleases and no semver",
    hint: "semver: RANGE",
  },
  {
    text: withTags("{prereleases: true}"),
    message: "1:38: repositories[0].tags[0] has prereleases and no semver",
    hint: "semver: RANGE",
  },
  { text: withTags("{}"), message: "1:38: repositories[0].tags[0] says no tags", hint: "regex:" },
  {
    text: withTags("{regexp: a}"),
    message: '1:39: "regexp" is not a known key of repositories[0].tags[0]',
    hint: "Did you mean regex?",
  },
  {
    text: withTags("{semver: 1.x, prereleases: yes}"),
    message: "1:65: repositories[0].tags[0].prereleases has to be true or false",
    hint: "true or false",
  },
  // what chooses among tags
  {
    text: withKeys("tags: [a, b], exclude: [b]"),
    message: "1:54: repositories[0].exclude has no effect",
    hint: "patterns",
    ...fine,
  },
  {
    text: withKeys("tags: ['a*', b], exclude: ['?']"),
    message: "1:44: repositories[0].tags[1] names b, which exclude[0] leaves out",
    hint: "exclude less",
    ...fine,
  },
  {
    text: withKeys("tags: [a], latest: 3"),
    message: "1:50: repositories[0].latest has no effect",
    hint: "patterns",
    ...fine,
  },
  {
    text: withKeys("tags: [a], maxAge: 3d"),
    message: "1:50: repositories[0].maxAge has no effect",
    hint: "patterns",
    ...fine,
  },
  {
    text: withKeys("tags: ['*'], latest: 0"),
    message: "1:52: repositories[0].latest has to be at least 1, and is 0",
    hint: "a whole number",
  },
  {
    text: withKeys("tags: ['*'], latest: -1"),
    message: "1:52: repositories[0].latest has to be a whole number",
    hint: "at least 1",
  },
  {
    text: withKeys("tags: ['*'], latest: 1.5"),
    message: "1:52: repositories[0].latest has to be a whole number",
    hint: "at least 1",
  },
  {
    text: withKeys("tags: ['*'], maxAge: 90"),
    message: "1:52: repositories[0].maxAge 90 is not an age",
    hint: "90d",
    ...fine,
  },
  {
    text: withKeys("tags: ['*'], maxAge: 3 months"),
    message: "1:52: repositories[0].maxAge 3 months is not an age",
    hint: "90d",
  },
  {
    text: withKeys("tags: ['*'], maxAge: 0d"),
    message: "1:52: repositories[0].maxAge 0d is not an age",
    hint: "90d",
    ...fine,
  },
  {
    text: withKeys("digests: ['sha256:12']"),
    message: "1:41: repositories[0].digests[0]: not a digest",
    hint: "64",
    code: "DIGEST_INVALID",
  },
  {
    text: withKeys(`digests: ['sha256:${"0".repeat(64)}', 'sha256:${"0".repeat(64)}']`),
    message: "1:116: repositories[0].digests[1] says sha256:",
    hint: "Leave one",
    ...fine,
  },
  {
    text: withKeys("tags: [a], platforms: [linux amd64]"),
    message: "1:54: repositories[0].platforms[0]: not a platform",
    hint: "os/architecture",
    code: "PLATFORM_INVALID",
    ...fine,
  },
  {
    text: withKeys("tags: [a], platforms: [all, arm64]"),
    message: "1:53: repositories[0].platforms: all, and others beside it",
    hint: "all alone",
    ...fine,
  },
  {
    text: withKeys("tags: [a], referrers: no"),
    message: "1:53: repositories[0].referrers has to be true or false",
    hint: "true or false",
  },
  // paths at the destination
  {
    text: withKeys("tags: [a], as: Debian"),
    message: '1:46: repositories[0].as "Debian" is no path',
    hint: "Lower-case",
    ...fine,
  },
  {
    text: withKeys("tags: [a], as: 'debian:12'"),
    message: '1:46: repositories[0].as "debian:12" is no path',
    hint: "no tag",
    ...fine,
  },
  { text: withLine("prefix: a//b"), message: '2:9: prefix "a//b" is no path', hint: "slashes", ...fine },
  {
    text: `repositories: [{name: debian, tags: [a]}]\nprefix: ${"a".repeat(250)}\n`,
    message: '1:16: repositories[0] "aaa',
    hint: "Lower-case",
    ...fine,
  },
  {
    text: withLine("map: [{replace: docker.io/}]"),
    message: "2:7: map[0] lacks the key with",
    hint: "with:",
  },
  {
    text: withLine("map: [{replace: library, with: a}]"),
    message: "2:17: map[0].replace names no registry: library",
    hint: "docker.io/library/",
    ...fine,
  },
  {
    text: withLine("map: [{replace: 'docker.io/a:1', with: a}]"),
    message: '2:17: map[0].replace: "docker.io/a:1" is not a registry\'s name',
    hint: "no tag",
    code: "REFERENCE_INVALID",
    ...fine,
  },
  {
    text: withLine("map: [{replace: docker.io, with: 'a.example:5000/b'}]"),
    message: '2:34: map[0].with "a.example:5000/b" is no path',
    hint: "no registry",
    ...fine,
  },
  {
    text: withLine("map: [{replace: a.io, with: a}, {replace: a.io/, with: b}]"),
    message: "2:33: map[1] replaces what map[0] replaces already",
    hint: "first rule",
    ...fine,
  },
  { text: withLine("map: {docker.io: hub}"), message: "2:6: map has to be a list", hint: "list of rules" },
  // hosts
  {
    text: withLine("hosts: {docker.io/library: {}}"),
    message: '2:9: "docker.io/library" is no name of hosts',
    hint: "registry.example:5000",
  },
  {
    text: withLine("hosts: {index.docker.io: {concurrency: 1}}"),
    message: "2:9: hosts names index.docker.io",
    hint: "docker.io:",
    ...fine,
  },
  {
    text: withLine("hosts: {a.io: {requestPerSecond: 1}}"),
    message: '2:16: "requestPerSecond" is not a known key',
    hint: "Did you mean requestsPerSecond?",
  },
  {
    text: withLine("hosts: {a.io: {requestsPerSecond: 0}}"),
    message: '2:35: hosts."a.io".requestsPerSecond 0 is not a number above zero',
    hint: "0.5",
    ...fine,
  },
  {
    text: withLine("hosts: {a.io: {requestsPerSecond: fast}}"),
    message: '2:35: hosts."a.io".requestsPerSecond fast is not',
    hint: "0.5",
  },
  {
    text: withLine("hosts: {a.io: {bytesPerSecond: 20 apples}}"),
    message: '2:32: hosts."a.io".bytesPerSecond 20 apples is not an amount of bytes',
    hint: "20MB",
  },
  {
    text: withLine("hosts: {a.io: {concurrency: 0}}"),
    message: '2:29: hosts."a.io".concurrency has to be at least 1, and is 0',
    hint: "at least 1",
  },
  {
    text: withLine("hosts: {a.io: 3}"),
    message: '2:15: hosts."a.io" has to be a mapping',
    hint: "concurrency",
  },
  // YAML and variables
  {
    text: "repositories: [{name: debian, tags: [*-debug]}]\n",
    message: "1:38: there is no anchor -debug before it",
    hint: "* needs quotes",
    ...fine,
  },
  { text: withTags("*"), message: "1:38: alias cannot be an empty string", hint: "* needs quotes", ...fine },
  { text: "repositories: [\n", message: "2:1: flow sequence", hint: "brackets", ...fine },
  {
    text: withTags('"${TAG}"'),
    message: "1:38: repositories[0].tags[0] needs the variable TAG",
    hint: "--var TAG=VALUE",
    ...fine,
  },
  { text: withTags('"a$"'), message: "1:38: repositories[0].tags[0] has a lone dollar sign", hint: "$$" },
  {
    text: withTags('"${base:TAG}"'),
    message: "1:38: repositories[0].tags[0] refers to the base's environment",
    hint: "--var",
    ...fine,
  },
];
