import type { FaultCases } from "./fault-case.ts";

/** A line that is bad in every way at once. */
export const badLineCases: FaultCases = {};
