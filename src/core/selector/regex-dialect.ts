/** How the two engines spell what PCRE means. Flags m, s and x are resolved by the translation; only i is left to the engine. */
export interface RegexDialect {
  readonly textStart: string;
  readonly lineStart: string;
  readonly textEnd: string;
  readonly lineEnd: string;
  /** PCRE's `$` and `\Z`: the end, or before a line break that ends the text. */
  readonly lastLineEnd: string;
  readonly hasLookAhead: boolean;
  readonly hasBackReferences: boolean;
  codePoint(code: number): string;
  /** A property such as L, Lu or Han, also inside a class. */
  property(name: string, isNegated: boolean): string;
  /** The members of `[:name:]`, to stand in a class; null if there is no such name. */
  posixClass(name: string, isNegated: boolean): string | null;
}

// biome-ignore format: a table
const POSIX: ReadonlyMap<string, readonly (readonly [number, number])[]> = new Map([
  ['alnum', [[0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a]]],
  ['alpha', [[0x41, 0x5a], [0x61, 0x7a]]],
  ['ascii', [[0x00, 0x7f]]],
  ['blank', [[0x09, 0x09], [0x20, 0x20]]],
  ['cntrl', [[0x00, 0x1f], [0x7f, 0x7f]]],
  ['digit', [[0x30, 0x39]]],
  ['graph', [[0x21, 0x7e]]],
  ['lower', [[0x61, 0x7a]]],
  ['print', [[0x20, 0x7e]]],
  ['punct', [[0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e]]],
  ['space', [[0x09, 0x0d], [0x20, 0x20]]],
  ['upper', [[0x41, 0x5a]]],
  ['word', [[0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]]],
  ['xdigit', [[0x30, 0x39], [0x41, 0x46], [0x61, 0x66]]],
]);

/** RE2: linear time. Its `$` cannot look ahead, so it takes in the last line break; the translation refuses what could tell. */
export const RE2_DIALECT: RegexDialect = {
  textStart: '\\A',
  lineStart: '(?m:^)',
  textEnd: '\\z',
  lineEnd: '(?m:$)',
  lastLineEnd: '(?:\\n?\\z)',
  hasLookAhead: false,
  hasBackReferences: false,
  codePoint: (code) => `\\x{${code.toString(16)}}`,
  property: (name, isNegated) => `\\${isNegated ? 'P' : 'p'}{${name}}`,
  posixClass: (name, isNegated) => (POSIX.has(name) ? `[:${isNegated ? '^' : ''}${name}:]` : null),
};

const GENERAL_CATEGORY = /^(?:Any|L[ultmo]?|M[nce]?|N[dlo]?|P[cdsefio]?|S[mcko]?|Z[slp]?|C[cfosn]?)$/;

/** JavaScript's RegExp with the flag u: backtracks, so its time has no bound. */
export const JS_DIALECT: RegexDialect = {
  textStart: '(?<![^])',
  lineStart: '(?:(?<![^])|(?<=\\n)(?=[^]))',
  textEnd: '(?![^])',
  lineEnd: '(?![^\\n])',
  lastLineEnd: '(?=\\n?(?![^]))',
  hasLookAhead: true,
  hasBackReferences: true,
  codePoint: (code) => `\\u{${code.toString(16)}}`,
  property: (name, isNegated) => `\\${isNegated ? 'P' : 'p'}{${GENERAL_CATEGORY.test(name) ? name : `Script=${name}`}}`,
  posixClass(name, isNegated) {
    const ranges = POSIX.get(name);
    if (ranges === undefined) return null;
    return (isNegated ? complement(ranges) : ranges).map(([from, to]) => `${this.codePoint(from)}-${this.codePoint(to)}`).join('');
  },
};

function complement(ranges: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const gaps: (readonly [number, number])[] = [];
  let next = 0;
  for (const [from, to] of ranges) {
    if (from > next) gaps.push([next, from - 1]);
    next = to + 1;
  }
  gaps.push([next, 0x10ffff]);
  return gaps;
}
