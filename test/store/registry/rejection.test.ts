import { expect, test } from "vitest";
import { parseErrorBody } from "../../../src/store/registry/rejection.ts";

test.each([
  [
    "the spec's JSON, with its detail",
    '{"errors":[{"code":"DENIED","message":"no","detail":{"repo":"a"}}]}',
    { codes: ["DENIED"], text: 'no ({"repo":"a"})' },
  ],
  [
    "several errors",
    '{"errors":[{"code":"A","message":"one","detail":""},{"code":"B","detail":"two"}]}',
    { codes: ["A", "B"], text: "one; (two)" },
  ],
  ["other JSON", '{"message":"quota exceeded"}', { codes: [], text: "quota exceeded" }],
  ["plain text", "  too many\nrequests ", { codes: [], text: "too many requests" }],
  ["HTML", "<!doctype html><title>502 Bad Gateway</title><p>x", { codes: [], text: "502 Bad Gateway" }],
  [
    "the XML of object stores",
    '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>',
    { codes: [], text: "AccessDenied Request has expired" },
  ],
  ["nothing", "", { codes: [], text: "" }],
])("an error's body that is %s is shown as words", (_, body, expected) => {
  expect(parseErrorBody(body)).toEqual(expected);
});

test("a body that is all openings of tags or tokens is read as fast as any other", () => {
  for (const piece of ["<", "<title", "-eyJaaaaaaaa"]) {
    const { text } = parseErrorBody(piece.repeat((512 * 1024) / piece.length));
    expect(text.length).toBeLessThanOrEqual(501);
  }
});

test("a detail nested too deeply to be written is cut or left out, not the rest", () => {
  const detail = "[".repeat(30_000) + "]".repeat(30_000);
  const body = `{"errors":[{"code":"DENIED","message":"no","detail":${detail}}]}`;
  const { codes, text } = parseErrorBody(body);
  expect(codes).toEqual(["DENIED"]);
  // how deep a value Node can write differs from release to release
  expect(text).toMatch(/^no \(\[*…/);
  expect(text.length).toBeLessThan(2_000);
});
