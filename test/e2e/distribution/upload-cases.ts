import { expect } from "vitest";
import { digestOf } from "../../../src/model/digest.ts";
import { type Answer, type Ask, type Expected, expectAnswer } from "./ask.ts";
import { type Cases, pushBlob } from "./scene.ts";

const bytes = Buffer.from("the bytes of a blob");
const digest = digestOf(bytes);
const [first, second] = [bytes.subarray(0, 8), bytes.subarray(8)];

const octets = { "Content-Type": "application/octet-stream" };
const chunkHeaders = (range: string) => ({ ...octets, "Content-Range": range });
const firstHeaders = chunkHeaders("0-7");
const secondHeaders = chunkHeaders(`8-${bytes.byteLength - 1}`);

const session = /^\/v2\/up\/[a-z0-9-]+\/blobs\/uploads\/[0-9a-f-]{36}$/;

/** Every upload goes to a repository of its own. */
let repositories = 0;
const newRepository = (): string => {
  repositories += 1;
  return `up/r${repositories}`;
};

async function start(ask: Ask, repository: string = newRepository()): Promise<string> {
  const answer = await ask("POST", `${repository}/blobs/uploads/`);
  expectAnswer(answer, { status: 202, headers: { location: session } });
  return answer.headers.get("location") ?? "";
}

/** Begins a chunked upload, and gives where it goes on. */
async function startWithChunk(ask: Ask): Promise<string> {
  const answer = await ask("PATCH", await start(ask), { headers: firstHeaders, body: first });
  expectAnswer(answer, { status: 202, headers: { location: session, range: "0-7" } });
  return answer.headers.get("location") ?? "";
}

function finish(ask: Ask, location: string, body?: Uint8Array, wanted: string = digest): Promise<Answer> {
  return ask("PUT", `${location}?digest=${wanted}`, body === undefined ? {} : { headers: octets, body });
}

/** Expects the answer to say where the whole blob is, and the blob to be there. */
async function expectCreated(ask: Ask, answer: Answer, wanted: string = digest): Promise<void> {
  const location = new RegExp(`^/v2/up/[a-z0-9-]+/blobs/${wanted}$`);
  expectAnswer(answer, { status: 201, headers: { location, "docker-content-digest": wanted } });
  expectAnswer(await ask("GET", answer.headers.get("location") ?? ""), { status: 200, body: bytes });
}

const gone: Expected = { status: 404, code: "BLOB_UPLOAD_UNKNOWN" };
const wrong = digestOf(Buffer.from("wrong"));

export const uploadCases: Cases = {
  "end-4a": async ({ ask }) => {
    const answer = await ask("POST", `${newRepository()}/blobs/uploads/`);
    const headers = { location: session, range: "0-0", "content-length": "0", "oci-chunk-min-length": null };
    expectAnswer(answer, { status: 202, headers });
  },
  "end-4b": async ({ ask }) => {
    const path = `${newRepository()}/blobs/uploads/?digest=${digest}`;
    await expectCreated(ask, await ask("POST", path, { headers: octets, body: bytes }));
  },
  "end-4b-wrong-digest": async ({ ask }) => {
    const repository = newRepository();
    const path = `${repository}/blobs/uploads/?digest=${wrong}`;
    expectAnswer(await ask("POST", path, { body: bytes }), { status: 400, code: "DIGEST_INVALID" });
    expectAnswer(await ask("HEAD", `${repository}/blobs/${wrong}`), { status: 404 });
  },
  "end-4b-wrong-digest--malformed": async ({ ask }) =>
    expectAnswer(await ask("POST", `${newRepository()}/blobs/uploads/?digest=md5:x`, { body: bytes }), {
      status: 400,
      code: "DIGEST_INVALID",
    }),
  "end-5": async ({ ask }) => {
    const location = await startWithChunk(ask);
    const answer = await ask("PATCH", location, { headers: secondHeaders, body: second });
    expectAnswer(answer, {
      status: 202,
      headers: { location: session, range: `0-${bytes.byteLength - 1}` },
    });
    await expectCreated(ask, await finish(ask, answer.headers.get("location") ?? ""));
  },
  "end-5-stream": async ({ ask }) => {
    const location = await start(ask);
    const answer = await ask("PATCH", location, { headers: octets, body: bytes });
    expectAnswer(answer, { status: 202, headers: { range: `0-${bytes.byteLength - 1}` } });
    await expectCreated(ask, await finish(ask, location));
  },
  "end-5-out-of-order": async ({ ask }) => {
    const location = await start(ask);
    const answer = await ask("PATCH", location, { headers: secondHeaders, body: second });
    expectAnswer(answer, { status: 416, code: "BLOB_UPLOAD_INVALID", headers: { location: session } });
    expectAnswer(await ask("PATCH", location, { headers: firstHeaders, body: first }), { status: 202 });
  },
  "end-5-out-of-order--sent-twice": async ({ ask }) => {
    const location = await startWithChunk(ask);
    const again = await ask("PATCH", location, { headers: firstHeaders, body: first });
    expectAnswer(again, { status: 416, headers: { range: "0-7" } });
    await expectCreated(ask, await finish(ask, location, second));
  },
  "end-5-malformed": async ({ ask }) => {
    const headers = chunkHeaders("8-0");
    const answer = await ask("PATCH", await start(ask), { headers, body: first });
    expectAnswer(answer, { status: 400, code: "BLOB_UPLOAD_INVALID" });
  },
  "end-5-malformed--another-length": async ({ ask }) => {
    const headers = chunkHeaders("0-3");
    const answer = await ask("PATCH", await start(ask), { headers, body: first });
    expectAnswer(answer, { status: 400, code: "SIZE_INVALID" });
  },
  "end-5-unknown": async ({ ask }) => {
    const path = `${newRepository()}/blobs/uploads/0b5c0e6e-0000-4000-8000-000000000000`;
    expectAnswer(await ask("PATCH", path, { body: first }), gone);
    expectAnswer(await ask("PUT", `${path}?digest=${digest}`, { body: bytes }), gone);
    expectAnswer(await ask("GET", path), gone);
    expectAnswer(await ask("DELETE", path), gone);
  },
  "end-5-unknown--of-another-repository": async ({ ask }) => {
    const location = (await start(ask)).replace(/up\/r[0-9]+/, "up/another");
    expectAnswer(await ask("PATCH", location, { body: first }), gone);
  },
  "end-6": async ({ ask }) => expectCreated(ask, await finish(ask, await start(ask), bytes)),
  "end-6-last-chunk": async ({ ask }) => {
    const path = `${await startWithChunk(ask)}?digest=${digest}`;
    await expectCreated(ask, await ask("PUT", path, { headers: secondHeaders, body: second }));
  },
  "end-6-out-of-order": async ({ ask }) => {
    const path = `${await startWithChunk(ask)}?digest=${digest}`;
    const headers = chunkHeaders("9-18");
    expectAnswer(await ask("PUT", path, { headers, body: bytes.subarray(9) }), { status: 416 });
  },
  "end-6-wrong-digest": async ({ ask }) => {
    const repository = newRepository();
    const location = await start(ask, repository);
    expectAnswer(await finish(ask, location, bytes, wrong), { status: 400, code: "DIGEST_INVALID" });
    for (const each of [wrong, digest])
      expectAnswer(await ask("HEAD", `${repository}/blobs/${each}`), { status: 404 });
  },
  "end-6-no-digest": async ({ ask }) =>
    expectAnswer(await ask("PUT", await start(ask), { body: bytes }), {
      status: 400,
      code: "DIGEST_INVALID",
    }),
  "end-6-sha512": async ({ ask }) => {
    const strong = digestOf(bytes, "sha512");
    await expectCreated(ask, await finish(ask, await start(ask), bytes, strong), strong);
  },
  "end-11": async ({ ask }) => {
    const from = newRepository();
    await pushBlob(ask, from, bytes);
    const path = `${newRepository()}/blobs/uploads/?mount=${digest}&from=${encodeURIComponent(from)}`;
    await expectCreated(ask, await ask("POST", path));
  },
  "end-11-cannot": async ({ ask }) => {
    const repository = newRepository();
    const answer = await ask("POST", `${repository}/blobs/uploads/?mount=${wrong}&from=other`);
    expectAnswer(answer, { status: 202, headers: { location: session } });
    await expectCreated(ask, await finish(ask, answer.headers.get("location") ?? "", bytes));
  },
  "end-11-cannot--not-in-that-repository": async ({ ask, content }) => {
    const { digest: elsewhere } = content.image.layer.descriptor;
    const path = `${newRepository()}/blobs/uploads/?mount=${elsewhere}&from=other`;
    expectAnswer(await ask("POST", path), { status: 202, headers: { location: session } });
  },
  "end-11-no-from": async ({ ask, content }) => {
    const path = `${newRepository()}/blobs/uploads/?mount=${content.image.layer.descriptor.digest}`;
    expectAnswer(await ask("POST", path), { status: 202, headers: { location: session } });
  },
  "end-11-malformed": async ({ ask }) =>
    expectAnswer(await ask("POST", `${newRepository()}/blobs/uploads/?mount=1&from=other`), {
      status: 400,
      code: "DIGEST_INVALID",
    }),
  "end-13": async ({ ask }) => {
    const location = await startWithChunk(ask);
    expectAnswer(await ask("GET", location), { status: 204, headers: { location: session, range: "0-7" } });
    expect(await ask("GET", location)).toMatchObject({ body: Buffer.alloc(0) });
  },
  "end-14": async ({ ask }) => {
    const location = await startWithChunk(ask);
    expectAnswer(await ask("DELETE", location), { status: 204 });
    expectAnswer(await ask("GET", location), gone);
  },
};
