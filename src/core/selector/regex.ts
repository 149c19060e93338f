/** Regular expressions with PCRE's meaning and, unless backtracking is allowed, in time linear in the text. */
import { RE2JS } from 're2js';
import { RegexFault } from './regex-cursor.ts';
import { JS_DIALECT, RE2_DIALECT } from './regex-dialect.ts';
import type { RegexShape } from './regex-shape.ts';
import { translateRegex } from './regex-translate.ts';
import { SelectorError } from './selector-error.ts';

export interface RegexMode {
  /** Whether a deadline can stop the thread, so that look-ahead and back references may run, whose time has no bound. */
  backtracking?: boolean;
}

/** A regular expression that at least one engine takes. */
export interface Regex {
  readonly source: string;
  readonly options: string;
  /** What is certain about the text that matches; null if nothing is. */
  readonly shape: RegexShape | null;
  /** Null if only the backtracking engine can run it, for the reason `why`. */
  readonly linear: RE2JS | null;
  readonly backtracking: RegExp | null;
  readonly why: string;
}

const TOO_LARGE = 'The regular expression is too large when its repetitions are written out';

type Tester = (text: string) => boolean;

/**
 * An adversary's program takes up to 10 ns per instruction and character (measured). Where no deadline can stop it, 250 instructions
 * keep a text of 100,000 characters within 250 ms.
 */
const MAX_PROGRAM_SIZE = 2_000;
const MAX_PROGRAM_SIZE_WITHOUT_DEADLINE = 250;
/** Each may come to hold 8 MB of the engine's states. */
const CACHE_SIZE = 50;
const cache = new Map<string, Regex>();

/** Reads a regular expression; equal ones share their compiled program. Throws SelectorError at `pointer`. */
export function regexOf(source: string, options: string, pointer: string): Regex {
  const key = `${options}/${source}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const regex = compile(source, options, pointer);
  if (cache.size >= CACHE_SIZE) cache.clear(); // rebuilt in microseconds; a recency list would cost more than it saves
  cache.set(key, regex);
  return regex;
}

function compile(source: string, options: string, pointer: string): Regex {
  if (source.includes('\0'))
    throw new SelectorError('selector_invalid', pointer, 'A regular expression cannot hold a null character; write \\0');
  try {
    return { source, options, ...compileLinear(source, options), backtracking: null, why: '' };
  } catch (fault) {
    if (fault instanceof RegexFault && fault.kind === 'syntax') throw new SelectorError('selector_invalid', pointer, fault.message);
    return {
      source,
      options,
      shape: null,
      linear: null,
      backtracking: compileBacktracking(source, options, pointer),
      why: messageOf(fault),
    };
  }
}

function compileLinear(source: string, options: string): { linear: RE2JS; shape: RegexShape } {
  const translated = translateRegex(source, options, RE2_DIALECT);
  const linear = RE2JS.compile(translated.source, RE2JS.LOOKBEHINDS);
  if (linear.programSize() > MAX_PROGRAM_SIZE) throw new RegexFault('engine', TOO_LARGE);
  return { linear, shape: translated.shape };
}

function compileBacktracking(source: string, options: string, pointer: string): RegExp {
  try {
    return new RegExp(translateRegex(source, options, JS_DIALECT).source, 'u');
  } catch (fault) {
    if (fault instanceof RegexFault && fault.kind === 'engine')
      throw new SelectorError('selector_regex_unsupported', pointer, fault.message);
    throw new SelectorError('selector_invalid', pointer, `The regular expression is not valid: ${messageOf(fault)}`);
  }
}

function messageOf(fault: unknown): string {
  return Error.isError(fault) ? fault.message : String(fault);
}

/** The function that finds a regular expression in a text. */
export function testerOf(regex: Regex, mode: RegexMode, pointer: string): Tester {
  if (regex.shape?.isPlain) return plainTester(regex.shape);
  const { linear, backtracking } = regex;
  const hasDeadline = mode.backtracking === true;
  if (linear !== null && (hasDeadline || linear.programSize() <= MAX_PROGRAM_SIZE_WITHOUT_DEADLINE)) return (text) => linear.test(text);
  if (backtracking !== null && hasDeadline) return (text) => backtracking.test(text);
  throw new SelectorError(
    'selector_regex_unsupported',
    pointer,
    `${linear === null ? regex.why : TOO_LARGE}; handler filters run without a deadline`,
  );
}

/** Text and anchors need no engine. */
function plainTester({ isAnchored, text, end }: RegexShape): Tester {
  if (end === 'open') return isAnchored ? (value) => value.startsWith(text) : (value) => value.includes(text);
  const isEnd: Tester = end === 'textEnd' ? (rest) => rest === text : (rest) => rest === text || rest === `${text}\n`;
  if (isAnchored) return isEnd;
  return end === 'textEnd' ? (value) => value.endsWith(text) : (value) => value.endsWith(text) || value.endsWith(`${text}\n`);
}
