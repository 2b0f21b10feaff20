import { expect } from "vitest";

/** An answer of a registry, whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

/** Sends a request for a path below `/v2/`, or for a Location. */
export type Ask = (
  method: string,
  path: string,
  sent?: { readonly headers?: Record<string, string>; readonly body?: Uint8Array },
) => Promise<Answer>;

/** What an answer has to be like. */
export interface Expected {
  readonly status: number;
  /** Headers and what they have to be; `null` for one that must not be there. */
  readonly headers?: Readonly<Record<string, string | RegExp | null>>;
  /** The code of the first error. The body then has the form of the spec's errors. */
  readonly code?: string;
  /** What the body is as JSON; more fields of objects are allowed. */
  readonly json?: object;
  readonly body?: Uint8Array;
}

export function askAt(url: string): Ask {
  return async (method, path, { headers = {}, body } = {}) => {
    const response = await fetch(new URL(path, `${url}/v2/`), {
      method,
      headers,
      redirect: "manual",
      ...(body !== undefined && { body: Buffer.from(body) }),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: Buffer.from(await response.arrayBuffer()),
    };
  };
}

export function expectAnswer(answer: Answer, expected: Expected): void {
  expect(answer.status, answer.body.toString("latin1", 0, 500)).toBe(expected.status);
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    const actual = answer.headers.get(name);
    if (value instanceof RegExp) expect(actual, name).toMatch(value);
    else expect(actual, name).toBe(value);
  }
  if (expected.body !== undefined) expect(answer.body).toEqual(Buffer.from(expected.body));
  if (expected.json !== undefined) expect(JSON.parse(answer.body.toString())).toMatchObject(expected.json);
  if (expected.code !== undefined) {
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      errors: [{ code: expected.code, message: expect.any(String) }],
    });
  }
}
