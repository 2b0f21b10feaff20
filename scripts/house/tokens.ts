/** What a module's text is made of, as far as finding its imports needs it. */
export interface Token {
  /** `literal` is a number, a regular expression or a template: something an import is never made of. */
  readonly kind: "word" | "string" | "punctuator" | "literal";
  /** A string's contents without its quotes, escapes left as written; a word or punctuator as it stands. */
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
}

/** Words after which a slash begins a regular expression although an operand could end in a word. */
const beforeExpression = new Set([
  "await",
  "case",
  "delete",
  "do",
  "else",
  "in",
  "instanceof",
  "new",
  "of",
  "return",
  "throw",
  "typeof",
  "void",
  "yield",
]);

const wordPattern = /[\p{ID_Start}$_#@][\p{ID_Continue}$\u200c\u200d]*/uy;
const numberPattern = /\.?\d[\w.]*/y;
const regexPattern = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const stringPattern = /"((?:[^"\\\n]|\\[\s\S])*)"|'((?:[^'\\\n]|\\[\s\S])*)'/y;
const blankPattern = /(?:\s|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+|^#![^\n]*/y;

/**
 * The tokens of a TypeScript module; comments are left out, and the expressions inside templates are kept. Whether a
 * slash divides or begins a regular expression is told from the token before it: after `)` it divides, after `}` it
 * begins one.
 *
 * @throws Error on text that ends inside a string, comment or template, naming the line.
 */
export function* tokensOf(text: string): Generator<Token> {
  /** For each `{` that is open: whether the `}` that closes it goes on with a template. */
  const braces: ("block" | "template")[] = [];
  let line = 1;
  let at = 0;
  let previous: Token | undefined;

  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  const take = (kind: Token["kind"], source: string, value = source): Token => {
    const token = { kind, text: value, line };
    at += source.length;
    line += source.split("\n").length - 1;
    previous = token;
    return token;
  };

  while (at < text.length) {
    const blank = match(blankPattern);
    if (blank !== null) {
      at += blank[0].length;
      line += blank[0].split("\n").length - 1;
      continue;
    }
    const character = text.charAt(at);
    const word = match(wordPattern);
    if (word !== null) {
      yield take("word", word[0]);
    } else if (character === '"' || character === "'") {
      const string = match(stringPattern);
      if (string === null) throw new Error(`line ${line}: a string does not end`);
      yield take("string", string[0], string[1] ?? string[2] ?? "");
    } else if (character === "`" || (character === "}" && braces.at(-1) === "template")) {
      if (character === "}") braces.pop();
      const end = templatePartEnd(text, at + 1);
      if (end === undefined) throw new Error(`line ${line}: a template does not end`);
      if (text.charAt(end - 1) === "{") braces.push("template");
      yield take("literal", text.slice(at, end));
    } else {
      const number = match(numberPattern);
      const regex = character === "/" && !endsOperand(previous) ? match(regexPattern) : null;
      if (number !== null) yield take("literal", number[0]);
      else if (regex !== null) yield take("literal", regex[0]);
      else if (text.startsWith("/*", at)) throw new Error(`line ${line}: a comment does not end`);
      else {
        if (character === "{") braces.push("block");
        if (character === "}") braces.pop();
        yield take("punctuator", character);
      }
    }
  }
  if (braces.length > 0) throw new Error(`line ${line}: a ${braces.at(-1)} does not end`);
}

/** Just past the backquote or the `${` that ends the part of a template which begins at `from`. */
function templatePartEnd(text: string, from: number): number | undefined {
  for (let at = from; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === "\\") at++;
    else if (character === "`") return at + 1;
    else if (character === "$" && text.charAt(at + 1) === "{") return at + 2;
  }
  return undefined;
}

function endsOperand(token: Token | undefined): boolean {
  if (token === undefined) return false;
  if (token.kind === "word") return !beforeExpression.has(token.text);
  // A template part that ends in `${` opens an expression; any other literal is an operand.
  if (token.kind === "literal") return !token.text.endsWith("${");
  return token.kind === "string" || token.text === ")" || token.text === "]";
}
