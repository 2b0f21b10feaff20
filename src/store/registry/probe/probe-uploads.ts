import type { Call } from "../../../io/call.ts";
import { discard, headerOf } from "../http.ts";
import { withDigest } from "../upload-location.ts";
import { receivedBytes } from "../upload-session.ts";
import { finding } from "./finding.ts";
import type { Prober } from "./prober.ts";
import type { ScratchBlob } from "./scratch.ts";

const octets = { "content-type": "application/octet-stream" };

/** Uploads a blob in one request. Gives whether it is there. */
export async function probeUpload(prober: Prober, blob: ScratchBlob, call: Call): Promise<boolean> {
  const isThere = await prober.probe(
    "upload",
    async () => {
      await uploadWhole(prober, blob, call);
      return { finding: finding("upload", true, "one request took a blob"), value: true };
    },
    call,
  );
  return isThere === true;
}

/** Uploads a blob in one request, which has to succeed. */
export async function uploadWhole(
  prober: Prober,
  { bytes, descriptor }: ScratchBlob,
  call: Call,
): Promise<void> {
  const { session } = await prober.begin(call);
  const request = {
    method: "PUT",
    target: withDigest(session, descriptor.digest),
    headers: { ...octets, "content-length": String(bytes.byteLength) },
    body: Buffer.from(bytes),
  } as const;
  await prober.expect(await prober.ask(request, call), [200, 201, 204], "upload", call);
  prober.sessions.delete(session);
  prober.written.push(blobPath(prober, descriptor.digest));
}

/** Uploads a blob in two chunks, and asks in between how much has arrived. */
export async function probeChunks(
  prober: Prober,
  { bytes, descriptor }: ScratchBlob,
  call: Call,
): Promise<void> {
  let received: number | undefined;
  let asked: number | undefined;
  await prober.probe(
    "chunks",
    async () => {
      let { session, minPart } = await prober.begin(call);
      // a chunk that is not the last must have the least length
      const half = bytes.byteLength / 2 >= minPart ? Math.floor(bytes.byteLength / 2) : bytes.byteLength;
      for (const [first, end] of [
        [0, half],
        [half, bytes.byteLength],
      ] as const) {
        if (first === end) continue;
        const chunk = {
          method: "PATCH",
          target: session,
          headers: {
            ...octets,
            "content-length": String(end - first),
            "content-range": `${first}-${end - 1}`,
          },
          body: Buffer.from(bytes.subarray(first, end)),
        } as const;
        const answer = await prober.ask(chunk, call);
        await prober.expect(answer, [200, 201, 202, 204], "chunk of an upload", call);
        session = prober.located(answer, session);
        if (asked !== undefined) continue;
        const status = await prober.ask({ method: "GET", target: session }, call);
        await discard(status);
        asked = status.status;
        received = receivedBytes(headerOf(status, "range")) === end ? end : undefined;
        if (received !== undefined) session = prober.located(status, session);
      }
      const target = withDigest(session, descriptor.digest);
      const headers = { ...octets, "content-length": "0" };
      const answer = await prober.ask({ method: "PUT", target, headers }, call);
      await prober.expect(answer, [200, 201, 204], "end of an upload in chunks", call);
      prober.sessions.delete(session);
      prober.written.push(blobPath(prober, descriptor.digest));
      const least = minPart > 0 ? `, of at least ${minPart} bytes` : "";
      return { finding: finding("chunks", true, `took a blob in chunks${least}`), value: undefined };
    },
    call,
  );
  const saw =
    asked === undefined
      ? "no upload could be asked about"
      : received === undefined
        ? `answers ${asked} to the question how much has arrived`
        : "tells how much of an upload has arrived";
  prober.findings.push(finding("resume", asked === undefined ? undefined : received !== undefined, saw));
}

/** Mounts a blob of the repository into the repository itself: another one may not be written to. */
export async function probeMount(prober: Prober, { descriptor }: ScratchBlob, call: Call): Promise<void> {
  const { repository } = prober.api;
  const query = `mount=${encodeURIComponent(descriptor.digest)}&from=${encodeURIComponent(repository)}`;
  await prober.probe(
    "mount",
    async () => {
      const target = `/v2/${repository}/blobs/uploads/?${query}`;
      const answer = await prober.ask({ method: "POST", target }, call);
      await discard(answer);
      if (answer.status === 202) prober.located(answer);
      const saw =
        answer.status === 201
          ? "took a blob of the same repository without its bytes"
          : `answers ${answer.status} to a blob of the same repository`;
      return { finding: finding("mount", answer.status === 201, saw), value: undefined };
    },
    call,
  );
}

function blobPath({ api }: Prober, digest: string): string {
  return `/v2/${api.repository}/blobs/${digest}`;
}
