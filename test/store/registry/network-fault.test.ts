import { expect, test } from "vitest";
import { networkFault } from "../../../src/store/registry/network-fault.ts";

const party = { side: "base", registry: "r.example", store: "r.example/app" } as const;
const faultOf = (code: string) =>
  networkFault(Object.assign(new Error("certificate trouble"), { code }), "r.example", party, 1000);

test.each(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID"])("%s points to the clock", (code) => {
  expect(faultOf(code)).toMatchObject({ code: "TLS", hint: expect.stringContaining("clock") });
});

test("an unknown authority points to --ca-file", () => {
  expect(faultOf("SELF_SIGNED_CERT_IN_CHAIN")).toMatchObject({
    code: "TLS",
    message: "base r.example/app: r.example: certificate trouble",
    hint: expect.stringContaining("--ca-file"),
  });
});
