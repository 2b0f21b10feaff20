/** A Dockerfile that is refused, and what is said of it. */
export interface WrongDockerfile {
  readonly text: string;
  /** What the message begins with after the file's name: place and what is wrong. */
  readonly message: string;
  readonly hint: string;
  readonly code?: string;
}

/** The shortest file with one more line, which is line 2. */
const withLine = (line: string): string => `FROM b:1\n${line}\n`;

/** Wrong Dockerfiles of all kinds. */
export const wrongDockerfiles: readonly WrongDockerfile[] = [
  // the file as a whole
  { text: "", message: "1:1: there is no FROM in it", hint: "Write FROM" },
  { text: "# nothing\n\nARG A=1\n", message: "1:1: there is no FROM in it", hint: "Write FROM" },
  {
    text: "RUN x\nFROM b:1\n",
    message: "1:1: RUN comes before the first FROM",
    hint: "Only ARG may stand there",
  },
  { text: "ENV A=1\nFROM b:1\n", message: "1:1: ENV comes before the first FROM", hint: "FROM" },
  { text: withLine("FRMO x"), message: "2:1: FRMO is not an instruction", hint: "Did you mean FROM?" },
  { text: withLine("COPPY a b"), message: "2:1: COPPY is not an instruction", hint: "Did you mean COPY?" },
  {
    text: withLine("apt-get update"),
    message: "2:1: apt-get is not an instruction",
    hint: "Instructions are ADD, ARG",
  },
  // directives
  {
    text: "# escape=x\nFROM b:1\n",
    message: "1:1: the escape character cannot be x",
    hint: "backslash or a backtick",
  },
  {
    text: "# escape=`\n# escape=`\nFROM b:1\n",
    message: "2:1: the directive escape comes twice",
    hint: "Keep one",
  },
  {
    text: "# syntax=r2d4/mocker\nFROM b:1\n",
    message: "1:1: the syntax r2d4/mocker is not that of Dockerfiles",
    hint: "not run here",
  },
  // FROM
  { text: "FROM\n", message: "1:1: FROM names no image", hint: "FROM scratch" },
  { text: "FROM a b\n", message: "1:8: FROM is followed by b", hint: "FROM IMAGE AS NAME" },
  { text: "FROM a AS\n", message: "1:8: FROM is followed by AS", hint: "AS NAME" },
  { text: "FROM a AS b c\n", message: "1:8: FROM is followed by AS b c", hint: "AS NAME" },
  { text: "FROM a AS 1x\n", message: "1:11: 1x cannot be a stage's name", hint: "begins with a letter" },
  { text: "FROM a AS x/y\n", message: "1:11: x/y cannot be a stage's name", hint: "letters, digits" },
  { text: "FROM a AS scratch\n", message: "1:11: a stage cannot be called scratch", hint: "another one" },
  { text: "FROM a AS context\n", message: "1:11: a stage cannot be called context", hint: "another one" },
  {
    text: "FROM a AS x\nFROM b AS X\n",
    message: "2:1: there is a stage x already, at f:1:6",
    hint: "name of its own",
  },
  {
    text: "FROM --plattform=linux/arm64 a\n",
    message: "1:6: FROM has no flag --plattform",
    hint: "Did you mean --platform?",
  },
  { text: "FROM --platform a\n", message: "1:6: --platform has no value", hint: "--platform=VALUE" },
  {
    text: "FROM --platform=linux/x/y/z a\n",
    message: "1:17: --platform: not a platform",
    hint: "linux/arm64",
    code: "PLATFORM_INVALID",
  },
  { text: "FROM --platform=$X a\n", message: "1:17: --platform=$X is empty", hint: "linux/arm64" },
  { text: "FROM $X\n", message: "1:6: $X is empty", hint: "--build-arg" },
  {
    text: "FROM A:1\n",
    message: "1:6: FROM: malformed reference",
    hint: "lower case",
    code: "REFERENCE_INVALID",
  },
  { text: "FROM a@x\n", message: "1:6: FROM: malformed reference", hint: "", code: "REFERENCE_INVALID" },
  { text: "FROM ${X:?name-it}\n", message: "1:6: X is not set: name-it", hint: "question mark" },
  { text: "FROM ${X\n", message: "1:6: ${ is not closed", hint: "Write }" },
  {
    text: Array.from({ length: 9000 }, (_, i) => `FROM s${i} AS s${i + 1}\n`).join(""),
    message: "1001:1: there are more than 1000 stages",
    hint: "of its own",
  },
  // what is executed
  {
    text: withLine("RUN make"),
    message: "2:1: RUN would execute something",
    hint: "Move it to the base image",
  },
  {
    text: "FROM b:1 AS build\nRUN make\nFROM b:2\nCOPY --from=build /a /b\n",
    message: "2:1: RUN would execute something",
    hint: "--build-context build=IMAGE",
  },
  {
    text: "FROM b:1\n  run make\nFROM b:2\nCOPY --from=0 /a /b\n",
    message: "2:3: RUN would execute something",
    hint: "Give the stage a name",
  },
  {
    text: "FROM b:1 AS one\nRUN make\nFROM one AS two\nFROM b:2\nCOPY --from=two /a /b\n",
    message: "2:1: RUN would execute",
    hint: "--build-context one=IMAGE",
  },
  {
    text: withLine("ONBUILD COPY a b"),
    message: "2:1: ONBUILD is for images that others build on",
    hint: "Leave it out",
  },
  // examples of lectures on Dockerfiles: one that is only half continued, and two that run something
  {
    text: 'FROM ubuntu:16.04\nRUN apt-get update && apt-get install -y\n    nginx\nEXPOSE 80 443\nENTRYPOINT ["nginx"]\n',
    message: "3:5: nginx is not an instruction",
    hint: "where the one before it ends in \\",
  },
  {
    text: 'FROM ubuntu:16.04\nRUN apt-get update && apt-get install -y \\\n    nginx\nEXPOSE 80 443\nENTRYPOINT ["nginx"]\n',
    message: "2:1: RUN would execute something",
    hint: "a stage of its own",
  },
  {
    text: "# builder\nFROM ubuntu\n\nENV TERM linux\nRUN apt-get update\nCOPY ./s2i/bin/ /usr/local/bin/s2i #copy scripts\n",
    message: "5:1: RUN would execute something",
    hint: "base image",
  },
  // COPY and ADD
  { text: withLine("COPY"), message: "2:1: COPY needs a source and a destination", hint: "COPY SRC DST" },
  { text: withLine("COPY a"), message: "2:1: COPY needs a source and a destination", hint: '["SRC","DST"]' },
  { text: withLine('ADD ["a"]'), message: "2:1: ADD needs a source and a destination", hint: "ADD SRC DST" },
  {
    text: withLine('COPY ["a",1]'),
    message: "2:6: the JSON list holds something other than texts",
    hint: "double quotes",
  },
  {
    text: withLine("COPY --form=x a b"),
    message: "2:6: COPY has no flag --form",
    hint: "Did you mean --from?",
  },
  { text: withLine("COPY --from=x --from=y a b"), message: "2:15: --from comes twice", hint: "Keep one" },
  {
    text: withLine("COPY --from= a b"),
    message: "2:13: --from has no value",
    hint: "leave it out for the context",
  },
  {
    text: withLine("COPY --from=$X a b"),
    message: "2:13: --from=$X: variables are not put in there",
    hint: "AS NAME",
  },
  {
    text: withLine("COPY --from=X: a b"),
    message: "2:13: --from: malformed reference",
    hint: "",
    code: "REFERENCE_INVALID",
  },
  {
    text: withLine("COPY --from=0 a b"),
    message: "2:13: a stage cannot copy from itself",
    hint: "before this one",
  },
  { text: withLine("COPY --from=3 a b"), message: "2:13: there is no stage 3", hint: "counted from 0" },
  {
    text: "FROM a\nCOPY --from=x a b\nFROM b AS x\nFROM a AS y\nCOPY --from=0 a b\n",
    message: "2:13: the stage x comes only later, at f:3:6",
    hint: "before",
  },
  {
    text: withLine("COPY --from=scratch a b"),
    message: "2:13: scratch has no files",
    hint: "stage or an image",
  },
  {
    text: withLine("COPY --link=yes a b"),
    message: "2:6: --link is yes, and has to be true or false",
    hint: "true or false",
  },
  { text: withLine("COPY --link= a b"), message: "2:6: --link has no value", hint: "true or false" },
  { text: withLine("COPY --chmod=u+x a b"), message: "2:14: --chmod u+x is not an octal mode", hint: "0755" },
  {
    text: withLine("COPY --chown=a:b:c a b"),
    message: '2:14: --chown: malformed owner "a:b:c"',
    hint: "user:group",
  },
  { text: withLine('COPY "" /x'), message: "2:6: the source is empty", hint: "path" },
  { text: withLine("ENV X=\nCOPY $X /x"), message: "3:6: the source is empty", hint: "variable" },
  { text: withLine('COPY a ""'), message: "2:8: the destination is empty", hint: "path" },
  { text: withLine("COPY a b c"), message: "2:10: several sources cannot be copied to c", hint: "c/" },
  { text: withLine('COPY "a b" c'), message: "2:6: the double quote is not closed", hint: "JSON" },
  {
    text: withLine("COPY https://x.example/y /z"),
    message: "2:6: COPY of https://x.example/y: nothing is downloaded",
    hint: "context",
  },
  {
    text: withLine("ADD git@host.example:x.git /z"),
    message: "2:5: ADD of git@host.example:x.git",
    hint: "context",
  },
  { text: withLine("ADD rootfs.tar.gz /"), message: "2:5: ADD would unpack rootfs.tar.gz", hint: "COPY" },
  {
    text: withLine("ADD --checksum=sha256:00 a /"),
    message: "2:5: --checksum=sha256:00 is about what is downloaded",
    hint: "context",
  },
  { text: withLine("ADD --from=x a /"), message: "2:5: ADD has no flag --from", hint: "--chown" },
  { text: withLine("COPY <<EOF /x\nhello\nEOF"), message: "2:6: a heredoc", hint: "file of the context" },
  {
    text: withLine("COPY <<EOF /x\nhello"),
    message: "2:6: the heredoc EOF has no end",
    hint: "line of its own",
  },
  // pairs
  { text: withLine("ENV"), message: "2:1: ENV says nothing", hint: "ENV NAME=VALUE" },
  { text: withLine("ENV A"), message: "2:5: ENV A has no value", hint: "ENV A=VALUE" },
  { text: withLine("ENV A=1 B"), message: "2:9: B has no equals sign", hint: "quotes" },
  { text: withLine("ENV =1"), message: "2:5: ENV has a value without a name", hint: "NAME=VALUE" },
  { text: withLine("ENV ''=1"), message: "2:5: the name is empty", hint: "name" },
  { text: withLine("LABEL a"), message: "2:7: LABEL a has no value", hint: "LABEL a=VALUE" },
  { text: withLine("ARG =1"), message: "2:5: ARG has a value without a name", hint: "ARG NAME=DEFAULT" },
  { text: withLine("ARG"), message: "2:1: ARG says nothing", hint: "ARG NAME" },
  { text: withLine("ENV A='x"), message: "2:7: the single quote is not closed", hint: "Close it" },
  { text: withLine("ENV A=${B"), message: "2:7: ${ is not closed", hint: "}" },
  { text: withLine("ENV A=${}"), message: "2:7: ${ is not followed by a variable's name", hint: "${NAME}" },
  { text: withLine("ENV A=${B=c}"), message: "2:7: ${B= is no way to use a variable", hint: "or one of" },
  { text: withLine("ENV A=${B/c}"), message: "2:7: ${ is not closed", hint: "Write /" },
  { text: withLine("ENV A=1\nENV C=${A#\\x}"), message: "3:7: the pattern", hint: "backslash" },
  {
    text: withLine("ENV $HOME=1"),
    message: "2:5: it depends on the base's environment",
    hint: "without a variable",
  },
  {
    text: withLine(`ENV A=${"${B:-".repeat(9000)}${"}".repeat(9000)}`),
    message: "2:507: variables are within each other too deeply",
    hint: "the limit is 100",
  },
  {
    text: withLine("ENV A=${A#x}\n".repeat(9000)),
    message: "102:7: variables are within each other too deeply",
    hint: "the limit is 100",
  },
  // the rest of the configuration
  { text: withLine("CMD"), message: "2:1: CMD says nothing", hint: "CMD [" },
  { text: withLine("CMD [1]"), message: "2:5: the JSON list holds", hint: "double quotes" },
  { text: withLine("CMD --x y"), message: "2:5: CMD has no flag --x", hint: "Leave it out" },
  { text: withLine("ENTRYPOINT"), message: "2:1: ENTRYPOINT says nothing", hint: "ENTRYPOINT [" },
  { text: withLine("SHELL /bin/bash -c"), message: "2:7: SHELL is not written as JSON", hint: "SHELL [" },
  { text: withLine("SHELL []"), message: "2:7: SHELL is not written as JSON", hint: "SHELL [" },
  { text: withLine("EXPOSE 80000"), message: "2:8: 80000 is not a port", hint: "65535" },
  { text: withLine("EXPOSE 80/icmp"), message: "2:8: 80/icmp is not a port", hint: "PORT/udp" },
  { text: withLine("EXPOSE 8080:80"), message: "2:8: 8080:80 is not a port", hint: "FROM-TO" },
  { text: withLine("VOLUME data"), message: "2:8: data is not an absolute path", hint: "/var/lib/app" },
  { text: withLine('VOLUME ["/a",""]'), message: "2:14: the volume is empty", hint: "Write one" },
  { text: withLine("STOPSIGNAL SIGNOPE"), message: "2:12: SIGNOPE is not a signal", hint: "SIGTERM" },
  { text: withLine("USER"), message: "2:1: USER says nothing", hint: "USER NAME" },
  { text: withLine('USER ""'), message: "2:6: the user is empty", hint: "Write one" },
  { text: withLine("WORKDIR"), message: "2:1: WORKDIR says nothing", hint: "WORKDIR /path" },
  { text: withLine("HEALTHCHECK"), message: "2:1: HEALTHCHECK says nothing", hint: "HEALTHCHECK NONE" },
  {
    text: withLine("HEALTHCHECK curl x"),
    message: "2:13: HEALTHCHECK curl is not known",
    hint: "HEALTHCHECK CMD",
  },
  { text: withLine("HEALTHCHECK CMD"), message: "2:13: HEALTHCHECK CMD has no command", hint: "program" },
  { text: withLine("HEALTHCHECK NONE x"), message: "2:18: HEALTHCHECK NONE is followed", hint: "NONE" },
  {
    text: withLine("HEALTHCHECK --interval=5 CMD x"),
    message: "2:24: --interval 5 is not a duration",
    hint: "30s",
  },
  {
    text: withLine("HEALTHCHECK --interval=5us CMD x"),
    message: "2:24: --interval 5us is less than 1ms",
    hint: "30s",
  },
  {
    text: withLine("HEALTHCHECK --retries=x CMD x"),
    message: "2:23: --retries x is not a whole number",
    hint: "3",
  },
  {
    text: withLine("HEALTHCHECK --intervall=5s CMD x"),
    message: "2:13: HEALTHCHECK has no flag --intervall",
    hint: "--interval?",
  },
  // continued lines: the place is that of the word
  {
    text: "FROM b:1\nENV A=1 \\\n  # why\n\n    B=$C \\\n    D\n",
    message: "6:5: D has no equals sign",
    hint: "NAME=VALUE",
  },
  { text: "\uFEFFFROM b:1\r\nEXPOSE 80 \\\r\n x\r\n", message: "3:2: x is not a port", hint: "65535" },
];
