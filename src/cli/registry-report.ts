import type { JudgedFinding, RegistryReport } from "../ops/probe-registry.ts";

/** The report as a table for people. */
export function describeRegistry(report: RegistryReport): string {
  const { findings, left, repository, registry } = report;
  const width = Math.max(...findings.map(({ probe }) => probe.length));
  const lines = findings.flatMap((finding) => linesOf(finding, width));
  if (left.length > 0) lines.push(`left behind at ${registry}:`, ...left.map((path) => `  ${path}`));
  if (repository === undefined) {
    lines.push(
      `Pushing takes a repository: compose-image doctor ${registry}/REPOSITORY tries the rest there.`,
    );
  }
  return lines.map((line) => `${line}\n`).join("");
}

function linesOf({ probe, outcome, saw, instead }: JudgedFinding, width: number): string[] {
  const mark = outcome === "unknown" ? "-" : outcome;
  const first = `${probe.padEnd(width)}  ${mark.padEnd(3)}  ${saw}`;
  return instead === undefined ? [first] : [first, `${" ".repeat(width + 7)}instead: ${instead}`];
}

/** The same for programs. */
export function registryDocument({ registry, repository, findings, left, failure }: RegistryReport): unknown {
  return {
    registry,
    repository: repository ?? null,
    usable: failure === undefined,
    findings: findings.map(({ probe, outcome, saw, instead }) => ({ probe, outcome, saw, instead })),
    left,
    failure: failure && { code: failure.code, message: failure.message, hint: failure.hint },
  };
}
