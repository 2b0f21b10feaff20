/** A regular expression, taken apart. */
export type Expression =
  /** One character, out of these. */
  | { readonly kind: "one"; readonly of: ReadonlySet<string> }
  | { readonly kind: "all"; readonly parts: readonly Expression[] }
  | { readonly kind: "any"; readonly choices: readonly Expression[] }
  | { readonly kind: "repeat"; readonly part: Expression; readonly least: number; readonly most: number }
  | { readonly kind: "start" | "end" };

type Instruction =
  | { readonly kind: "take"; readonly of: ReadonlySet<string> }
  /** Goes on at both places. */
  | { readonly kind: "fork"; readonly a: number; b: number }
  | { readonly kind: "jump"; to: number }
  | { readonly kind: "start" | "end" };

/** Most instructions of a program; what counts of repetitions multiply is written out. */
const maxInstructions = 5000;

/**
 * A regular expression as a program that tries all ways at once, so that its time grows with the text's length times its
 * own, whatever the expression.
 *
 * @see https://swtch.com/~rsc/regexp/regexp2.html
 */
export class ExpressionProgram {
  readonly #instructions: Instruction[] = [];

  /** @throws RangeError for an expression whose counts of repetitions make it absurdly large. */
  constructor(expression: Expression) {
    this.#write(expression);
  }

  /** Whether the whole text matches. */
  matches(text: string): boolean {
    let places = this.#follow([0], true, text === "");
    for (let at = 0; at < text.length && places.size > 0; at += 1) {
      const next: number[] = [];
      for (const place of places) {
        const instruction = this.#instructions[place];
        if (instruction?.kind === "take" && instruction.of.has(text.charAt(at))) next.push(place + 1);
      }
      places = this.#follow(next, false, at + 1 === text.length);
    }
    return places.has(this.#instructions.length);
  }

  /** The places, with all that can be reached from them without taking a character. */
  #follow(from: readonly number[], isStart: boolean, isEnd: boolean): ReadonlySet<number> {
    const reached = new Set<number>();
    const open = [...from];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (reached.has(place)) continue;
      reached.add(place);
      const instruction = this.#instructions[place];
      if (instruction?.kind === "jump") open.push(instruction.to);
      else if (instruction?.kind === "fork") open.push(instruction.a, instruction.b);
      else if (instruction?.kind === "start" && isStart) open.push(place + 1);
      else if (instruction?.kind === "end" && isEnd) open.push(place + 1);
    }
    return reached;
  }

  #write(expression: Expression): void {
    switch (expression.kind) {
      case "one":
        this.#add({ kind: "take", of: expression.of });
        return;
      case "all":
        for (const part of expression.parts) this.#write(part);
        return;
      case "any":
        this.#writeChoices(expression.choices);
        return;
      case "repeat":
        this.#writeRepeat(expression);
        return;
      default:
        this.#add({ kind: expression.kind });
    }
  }

  #writeChoices(choices: readonly Expression[]): void {
    const ends = choices.map((choice, i) => {
      const isLast = i === choices.length - 1;
      const fork = { kind: "fork" as const, a: this.#instructions.length + 1, b: 0 };
      if (!isLast) this.#add(fork);
      this.#write(choice);
      const end = { kind: "jump" as const, to: 0 };
      if (!isLast) this.#add(end);
      fork.b = this.#instructions.length;
      return end;
    });
    for (const end of ends) end.to = this.#instructions.length;
  }

  #writeRepeat({ part, least, most }: Expression & { readonly kind: "repeat" }): void {
    for (let done = 0; done < least; done += 1) this.#write(part);
    if (most === Number.POSITIVE_INFINITY) {
      const again = this.#instructions.length;
      const fork = { kind: "fork" as const, a: again + 1, b: 0 };
      this.#add(fork);
      this.#write(part);
      this.#add({ kind: "jump", to: again });
      fork.b = this.#instructions.length;
      return;
    }
    const forks = Array.from({ length: most - least }, () => {
      const fork = { kind: "fork" as const, a: this.#instructions.length + 1, b: 0 };
      this.#add(fork);
      this.#write(part);
      return fork;
    });
    for (const fork of forks) fork.b = this.#instructions.length;
  }

  #add(instruction: Instruction): void {
    if (this.#instructions.length === maxInstructions) throw new RangeError("too large");
    this.#instructions.push(instruction);
  }
}
