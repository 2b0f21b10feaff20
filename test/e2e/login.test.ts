import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  AuthHome,
  type AuthScene,
  authSceneKinds,
  bearerOf,
  challenge,
  entryOf,
  robotEntry,
} from "../support/auth-scene.ts";
import { attempt, run } from "../support/command.ts";
import { registryAccount, startDockerRegistry } from "../support/docker-registry.ts";
import { makeImage, pushMade } from "../support/make-image.ts";
import type { Registry } from "../support/registry.ts";
import { type CliOptions, type CliResult, cliPath } from "../support/run-cli.ts";
import { createSandbox } from "../support/sandbox.ts";
import { expectNoSecrets, secret } from "../support/secrets.ts";
import { temporaryDirectory } from "../support/temp.ts";
import { tokenUser } from "../support/token-server.ts";
import { describeWith } from "../support/tools.ts";

const wrong = secret("not the right password");
const json = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, "utf8"));

function expectStatus(status: number, result: CliResult): CliResult {
  expect(result.status, result.stderr).toBe(status);
  return result;
}

for (const { name, needs, start } of authSceneKinds) {
  describeWith(["cli", "openssl", ...needs], `logging in to ${name}`, () => {
    let scene: AuthScene;
    let home: AuthHome;
    beforeAll(async () => {
      scene = await start();
    });
    beforeEach(async () => {
      scene.reset();
      home = await AuthHome.make();
    });
    afterAll(() => scene.stop());

    const dockerFile = () => join(home.directory, ".docker/config.json");
    const login = (where: string, args: readonly string[] = [], options: CliOptions = {}) =>
      home.run(["login", where, "-u", tokenUser.username, "--password-stdin", "--verbose", ...args], {
        input: `${tokenUser.password}\n`,
        ...options,
      });

    test("keeps what the registry takes in docker's file, for its owner alone, and pulling then works", async () => {
      const { stdout, stderr } = expectStatus(0, await login(scene.host));
      expect(stdout).toBe("");
      expect(stderr).toContain(`logged in to ${scene.host} as robot; kept in ${dockerFile()}\n`);
      expect(await json(dockerFile())).toEqual({ auths: { [scene.host]: robotEntry() } });
      expect((await stat(dockerFile())).mode & 0o777).toBe(0o600);
      expect((await stat(join(home.directory, ".docker"))).mode & 0o777).toBe(0o700);
      expect(await readdir(join(home.directory, ".docker"))).toEqual(["config.json"]);
      expectStatus(0, await home.run(["ls", `${scene.host}/team/builder:1`, "/app"]));
    });

    test("with a wrong password ends with 3 and keeps nothing", async () => {
      const { stderr } = expectStatus(3, await login(scene.host, [], { input: wrong }));
      expect(stderr).toContain(`registry token for ${scene.host}`);
      expect(stderr).toContain("401 incorrect username or password [UNAUTHORIZED]");
      expect(stderr).toMatch(/hint: Check user name and password/);
      expect(await readdir(home.directory)).toEqual([]);
      await home.file(".docker/config.json", { auths: { [scene.host]: wrongEntry } });
      expectStatus(3, await login(scene.host, [], { input: wrong }));
      expect(await json(dockerFile())).toEqual({ auths: { [scene.host]: wrongEntry } });
    });

    const wrongEntry = entryOf("robot", wrong);

    test("leaves every other entry and unknown field as they are, and replaces other spellings of its own", async () => {
      const other = { auths: { "other.example": { auth: "b3RoZXI6eA==", email: "me@other.example" } } };
      const rest = { psFormat: "table", plugins: { x: { hooks: "y" } }, HttpHeaders: { "X-Meta": "1" } };
      const auths = {
        ...other.auths,
        [`https://${scene.host}/v1/`]: wrongEntry,
        [`${scene.host}/part`]: wrongEntry,
      };
      await home.file(".docker/config.json", { ...rest, auths });
      await chmod(dockerFile(), 0o644);
      expectStatus(0, await login(scene.host));
      expect(await json(dockerFile())).toEqual({
        ...rest,
        auths: { ...other.auths, [`${scene.host}/part`]: wrongEntry, [scene.host]: robotEntry() },
      });
      expect((await stat(dockerFile())).mode & 0o777).toBe(0o600);
      expectStatus(0, await home.run(["logout", scene.host]));
      expect(await json(dockerFile())).toEqual({
        ...rest,
        auths: { ...other.auths, [`${scene.host}/part`]: wrongEntry },
      });
    });

    test("goes to --authfile, REGISTRY_AUTH_FILE, the first file there is, docker's: in this order", async () => {
      const named = join(home.directory, "new/named.json");
      const variable = join(home.directory, "variable.json");
      const env = { REGISTRY_AUTH_FILE: variable };
      expectStatus(0, await login(scene.host, ["--authfile", named], { env }));
      expectStatus(0, await login(scene.host, [], { env }));
      const session = await home.file("run/containers/auth.json", {});
      expectStatus(0, await login(scene.host));
      for (const file of [named, variable, session]) {
        expect(await json(file), file).toEqual({ auths: { [scene.host]: robotEntry() } });
      }
      await expect(readFile(dockerFile())).rejects.toThrow("ENOENT");
      expectStatus(0, await home.run(["ls", `${scene.host}/team/builder:1`, "/app", "--authfile", named]));
    });

    test("keeps a symlinked file's link, and writes what it leads to", async () => {
      await mkdir(join(home.directory, ".docker"));
      await symlink("../secrets/docker.json", dockerFile());
      const real = join(home.directory, "secrets/docker.json");
      for (const expected of [{ [scene.host]: robotEntry() }, {}]) {
        expectStatus(
          0,
          await (Object.keys(expected).length > 0 ? login(scene.host) : home.run(["logout", "--all"])),
        );
        expect((await lstat(dockerFile())).isSymbolicLink()).toBe(true);
        expect(await json(real)).toEqual({ auths: expected });
      }
    });

    test("loses no entry when several log in at once", async () => {
      const parts = Array.from({ length: 6 }, (_, i) => `${scene.host}/part${i}`);
      for (const result of await Promise.all(parts.map((part) => login(part)))) expectStatus(0, result);
      const { auths } = (await json(dockerFile())) as { auths: object };
      expect(Object.keys(auths).sort()).toEqual(parts);
      expect(await readdir(join(home.directory, ".docker"))).toEqual(["config.json"]);
    });

    test("gives the password to the credential helper that the file names, and has it erased", async () => {
      const kept = join(await temporaryDirectory("keeper"), "kept");
      const script = `case $1 in store) cat >${kept};; get) cat >/dev/null; cat ${kept};; erase) cat >>${kept}.erased; rm ${kept};; esac`;
      for (const config of [{ credHelpers: { [scene.host]: "keeper" } }, { credsStore: "keeper" }]) {
        await home.helper("keeper", script);
        await home.file(".docker/config.json", { ...config, auths: { [scene.host]: wrongEntry } });
        const { stderr } = expectStatus(0, await login(scene.host));
        expect(stderr).toContain(`kept in docker-credential-keeper (${dockerFile()})`);
        expect(await json(dockerFile())).toEqual({ ...config, auths: { [scene.host]: {} } });
        expect(await json(kept)).toEqual({
          ServerURL: scene.host,
          Username: tokenUser.username,
          Secret: tokenUser.password,
        });
        expectStatus(0, await home.run(["ls", `${scene.host}/team/builder:1`, "/app"]));
        expectStatus(2, await login(`${scene.host}/team`));
        expectStatus(0, await home.run(["logout", scene.host]));
        expect(await readFile(`${kept}.erased`, "utf8")).toContain(scene.host);
        await expect(readFile(kept)).rejects.toThrow("ENOENT");
        expect(await json(dockerFile())).toEqual({ ...config, auths: {} });
      }
    });

    test("with a helper that is missing or fails ends with 3 and writes nothing", async () => {
      const config = { credsStore: "keeper", auths: {} };
      await home.file(".docker/config.json", config);
      const absent = expectStatus(3, await login(scene.host));
      expect(absent.stderr).toContain("docker-credential-keeper");
      await home.helper("keeper", "cat; exit 1");
      expectStatus(3, await login(scene.host));
      expect(await json(dockerFile())).toEqual(config);
    });

    test("to a part of a registry serves that part alone", async () => {
      expectStatus(0, await login(`${scene.host}/team`));
      expectStatus(0, await home.run(["ls", `${scene.host}/team/builder:1`, "/app"]));
      expectStatus(3, await home.run(["ls", `${scene.host}/other/builder:1`, "/app"]));
      expectStatus(0, await home.run(["logout", `${scene.host}/team`]));
      expectStatus(3, await home.run(["ls", `${scene.host}/team/builder:1`, "/app"]));
    });

    test("warns when other credentials come before, and after logging out when some are left", async () => {
      const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [scene.host]: wrongEntry } }) };
      const { stderr } = expectStatus(0, await login(scene.host, [], { env }));
      expect(stderr).toContain(
        `warning: other credentials come before these: DOCKER_AUTH_CONFIG (${scene.host})`,
      );
      const left = expectStatus(0, await home.run(["logout", scene.host], { env }));
      expect(left.stderr).toContain(`logged out of ${scene.host} in ${dockerFile()}\n`);
      expect(left.stderr).toContain("warning: there still are credentials");
      const again = expectStatus(0, await home.run(["logout", scene.host]));
      expect(again.stderr).toBe(`${dockerFile()} has no login for ${scene.host}\n`);
    });

    test.for<[string, readonly string[], string]>([
      ["a password among the arguments", ["-u", "robot", "-p", "typed by mistake"], "--password-stdin"],
      ["a password stuck to its option", ["-u", "robot", "--password=typed by mistake"], "--password-stdin"],
      ["no user name", ["--password-stdin"], "--username"],
      ["no way to ask", ["-u", "robot"], "--password-stdin"],
      ["an empty password", ["-u", "robot", "--password-stdin"], "one line"],
      ["a user name with a colon", ["-u", "a:b", "--password-stdin"], "standard input"],
    ])("is refused with %s", async ([, args, hint]) => {
      const { stderr } = expectStatus(2, await home.run(["login", scene.host, ...args]));
      expect(stderr).toMatch(/\[USAGE\]\n {2}hint: /);
      expect(stderr).toContain(hint);
      expect(stderr).not.toContain("mistake");
      expect(scene.proxy.exchanges).toEqual([]);
    });

    describeWith(["script"], "on a terminal", () => {
      /** Answers each prompt as soon as it is seen. */
      const onTerminal = async (answers: Readonly<Record<string, string>>) => {
        const words = [process.execPath, cliPath, "login", scene.host].map((word) => `'${word}'`).join(" ");
        let seen = "";
        const { status } = await attempt("script", ["-qefc", words, "/dev/null"], {
          env: { ...process.env, ...home.env() },
          keepInputOpen: true,
          onStart: (child) => {
            child.stdout?.on("data", (chunk: Buffer) => {
              const before = seen;
              seen += chunk.toString();
              for (const [prompt, answer] of Object.entries(answers)) {
                if (seen.includes(prompt) && !before.includes(prompt)) child.stdin?.write(answer);
              }
            });
          },
        });
        expectNoSecrets(seen, "the terminal");
        return { status, seen };
      };
      const { username, password } = tokenUser;

      test("asks for both, and does not show the password", async () => {
        const { status, seen } = await onTerminal({
          "User name: ": `${username}\n`,
          "Password: ": `${password}\n`,
        });
        expect(status, seen).toBe(0);
        expect(seen).toContain("logged in to");
        expect(await json(dockerFile())).toEqual({ auths: { [scene.host]: robotEntry() } });
      });

      test.for([
        ["Ctrl-C", "\u0003", 130],
        ["Ctrl-D", "\u0004", 2],
      ] as const)("%s in place of the password ends it", async ([, key, expected]) => {
        const { status, seen } = await onTerminal({ "User name: ": `${username}\n`, "Password: ": key });
        expect(status, seen).toBe(expected);
        expect(await readdir(home.directory)).toEqual([]);
      });
    });

    describeWith(["skopeo"], "and skopeo", () => {
      const image = () => `docker://${scene.host}/team/builder:1`;

      test("reads what login wrote", async () => {
        const authfile = join(home.directory, "auth.json");
        expectStatus(0, await login(scene.host, ["--authfile", authfile]));
        const inspect = ["inspect", "--tls-verify=false", "--authfile", authfile, image()];
        expect(JSON.parse((await run("skopeo", inspect)).toString()).Layers).toHaveLength(2);
        await run("skopeo", ["logout", "--authfile", authfile, scene.host]);
        expectStatus(3, await home.run(["ls", `${scene.host}/team/builder:1`, "--authfile", authfile]));
      });

      test("writes what pulling reads, and logout takes away", async () => {
        const authfile = join(home.directory, "auth.json");
        const account = ["-u", tokenUser.username, "--password-stdin"];
        await run("skopeo", ["login", "--tls-verify=false", "--authfile", authfile, ...account, scene.host], {
          input: tokenUser.password,
        });
        const ls = ["ls", `${scene.host}/team/builder:1`, "/app", "--authfile", authfile];
        expectStatus(0, await home.run(ls));
        expectStatus(0, await home.run(["logout", scene.host, "--authfile", authfile]));
        expectStatus(3, await home.run(ls));
        const inspect = await attempt("skopeo", [
          "inspect",
          "--tls-verify=false",
          "--authfile",
          authfile,
          image(),
        ]);
        expect(inspect.status).toBe(1);
      });
    });

    describe("auth explain", () => {
      const explain = async (args: readonly string[], options: CliOptions = {}) => {
        const result = await home.run(["auth", "explain", "--json", "--retries", "0", ...args], options);
        return { status: result.status, stderr: result.stderr, report: JSON.parse(result.stdout) };
      };

      test("tells place, key, challenge, scopes and grants, and begins no upload", async () => {
        await home.file("run/containers/auth.json", { auths: { "other.example": wrongEntry } });
        await home.file(".docker/config.json", { auths: { [`${scene.host}/team`]: robotEntry() } });
        const args = [`${scene.host}/team/builder:1`, "--push", "--mount-from", "other/builder"];
        const { status, report } = await explain(args);
        expect(status).toBe(0);
        const { realm, service } = scene.tokens.settings;
        expect(report).toMatchObject({
          usable: true,
          places: [
            { name: join(home.directory, "run/containers/auth.json"), state: "no match" },
            { state: "absent" },
            { name: dockerFile(), chosenBy: "docker's", state: "match", key: `${scene.host}/team` },
          ],
          credentials: { from: `${dockerFile()} (${scene.host}/team)`, kind: "password", user: "robot" },
          registry: { status: 401, challenges: [{ scheme: "bearer", parameters: { realm, service } }] },
          pull: { outcome: "allowed", scopes: ["repository:team/builder:pull"] },
          push: { outcome: "allowed", scopes: ["repository:team/builder:pull,push"] },
          mount: {
            outcome: "allowed",
            scopes: ["repository:other/builder:pull", "repository:team/builder:pull,push"],
          },
        });
        expect(new Set(scene.proxy.exchanges.map(({ method }) => method))).toEqual(new Set(["GET", "HEAD"]));
        const { stdout } = expectStatus(0, await home.run(["auth", "explain", ...args]));
        for (const part of [realm, "match: ", "a password of user robot", "allowed: the token says so"])
          expect(stdout).toContain(part);
      });

      test("tells where it fails, with the exit status of pulling, or of pushing when that is wanted", async () => {
        scene.tokens.manners.allows = (_user, repository, action) =>
          repository === "team/builder" && action === "pull";
        const image = `${scene.host}/team/builder:1`;
        const readOnly = await explain([image]);
        expect(readOnly.status).toBe(0);
        expect(readOnly.report.push).toMatchObject({
          outcome: "refused",
          remark: "the token is good for repository:team/builder:pull",
        });
        expect((await explain([image, "--push"])).status).toBe(3);
        const other = await explain([`${scene.host}/other/builder:1`]);
        expect(other).toMatchObject({ status: 3, report: { usable: false, pull: { outcome: "refused" } } });
        await home.file(".docker/config.json", { auths: { [scene.host]: wrongEntry } });
        const refused = await explain([image]);
        expect(refused).toMatchObject({ status: 3, report: { failure: { code: "UNAUTHORIZED" } } });
        expect(refused.stderr).toContain(`(${scene.host})`);
      });

      test("is what there is to auth", async () => {
        const { stderr } = expectStatus(2, await home.run(["auth"]));
        expect(stderr).toContain("compose-image auth explain IMAGE");
        expectStatus(2, await home.run(["auth", "explian", scene.host]));
      });

      test("tells of an image that is not there, a broken file, a missing helper, Basic, and nobody at home", async () => {
        await home.file(".docker/config.json", { auths: { [scene.host]: robotEntry() } });
        const absent = await explain([`${scene.host}/team/absent:1`]);
        expect(absent).toMatchObject({ status: 0, report: { pull: { outcome: "allowed" } } });
        expect(absent.report.pull.remark).toContain("no such manifest");
        await writeFile(dockerFile(), "{");
        const broken = await explain([`${scene.host}/team/builder:1`]);
        expect(broken).toMatchObject({ status: 3, report: { places: [{}, {}, { state: "failed" }] } });
        await home.file(".docker/config.json", { credHelpers: { [scene.host]: "absent" } });
        const helper = { program: "docker-credential-absent", answer: "not installed" };
        expect((await explain([`${scene.host}/team/builder:1`])).report.places.at(-1)).toMatchObject({
          state: "failed",
          key: scene.host,
          helper,
        });
        await home.file(".docker/config.json", { auths: { [scene.host]: robotEntry() } });
        scene.fault = (exchange) =>
          bearerOf(exchange) === undefined ? challenge(401, 'Basic realm="r"') : undefined;
        expect((await explain([`${scene.host}/team/builder:1`])).status).toBe(3);
        const { status, report } = await explain(["127.0.0.1:1/team/builder:1"]);
        expect([status, report.failure.code]).toEqual([5, "NETWORK"]);
      });
    });
  });
}

describeWith(["cli", "docker-registry"], "logging in to a registry", () => {
  let registry: Registry;
  let open: Registry;
  beforeAll(async () => {
    [registry, open] = [await startDockerRegistry({ authenticated: true }), await startDockerRegistry()];
  });
  afterAll(async () => {
    await registry.stop();
    await open.stop();
  });

  test("that asks for Basic authentication checks the password, and pushing then works", async () => {
    const home = await AuthHome.make();
    const { username, password } = registryAccount;
    const args = ["login", registry.host, "-u", username, "--password-stdin"];
    expectStatus(3, await home.run(args, { input: wrong }));
    expectStatus(0, await home.run(args, { input: `${password}\r\n` }));
    const image = makeImage({ layers: [{ files: [{ path: "app/" }, { path: "app/a" }] }] });
    const builder = await pushMade(image, open.url, "builder:1");
    const target = ["--directory", "/app", "--tag", `${registry.host}/team/app:1`];
    expectStatus(0, await home.run(["--builder", builder, "--base", "scratch", ...target]));
    const explained = await home.run(["auth", "explain", `${registry.host}/team/app:1`, "--push"]);
    expect(expectStatus(0, explained).stdout).toContain("unknown: only doing it tells whether they suffice");
  });

  test("that lets in everybody keeps the password with a warning", async () => {
    const home = await AuthHome.make();
    const args = ["login", open.host, "-u", "me", "--password-stdin"];
    const { stderr } = expectStatus(0, await home.run(args, { input: wrong }));
    expect(stderr).toContain("were not checked");
  });

  describeWith(["bwrap"], "where most files are read-only", () => {
    test("keeps the password in the first file that can be written, and warns of what comes before", async () => {
      const home = await AuthHome.make();
      const mounted = await home.file("run/containers/auth.json", {
        auths: { [open.host]: entryOf("me", wrong) },
      });
      const sandbox = await createSandbox("TMPDIR");
      const file = join(sandbox.temporary, "config.json");
      const env = `XDG_RUNTIME_DIR=${join(home.directory, "run")} DOCKER_CONFIG=${sandbox.temporary}`;
      const login = `login ${open.host} -u you --password-stdin`;
      const { status, stderr } = await sandbox.script(
        `echo another-password | ${env} "${process.execPath}" "${cliPath}" ${login} && cat ${file}`,
      );
      expect(status, stderr).toBe(0);
      expect(stderr).toContain(`kept in ${file}\n`);
      expect(stderr).toContain(`warning: other credentials come before these: ${mounted} (${open.host})`);
      expect(await json(mounted)).toEqual({ auths: { [open.host]: entryOf("me", wrong) } });
    });

    test("says what cannot be written, and where to go instead", async () => {
      const sandbox = await createSandbox("nothing");
      const login = `login ${open.host} -u you --password-stdin --authfile /etc/auth.json`;
      const script = `echo another-password | "${process.execPath}" "${cliPath}" ${login}`;
      const { status, stderr } = await sandbox.script(script);
      expect(status, stderr).toBe(8);
      expect(stderr).toContain("cannot write /etc/auth.json: the file system is read-only");
      expect(stderr).toContain("--authfile");
    });
  });
});
