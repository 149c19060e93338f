import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A request as recorded: exactly one of the bodies, or none. */
export interface GoldenRequest {
  method: string;
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string | null>;
  /** To be sent compact. It holds nothing that JSON.parse would lose: such requests come as rawBody. */
  body?: unknown;
  rawBody?: string;
  rawBodyBase64?: string;
}

/** One recorded request and its answer; golden/README.md describes the members. */
export interface GoldenStep {
  name: string;
  statement?: string;
  request: GoldenRequest;
  response: { status: number; contentType?: string; bodyText?: string };
  volatile?: string[];
  known_original_bug?: string;
  rare?: string;
  ours?: { status?: number[]; bodyText?: string };
}

export interface GoldenGroup {
  group: string;
  setup?: string[];
  steps: GoldenStep[];
}

/** Reads one group of the recorded answers; GOLDEN_DIR says where they are when they are not in test/golden. */
export function readGolden(group: string): GoldenGroup {
  const { GOLDEN_DIR = join(import.meta.dirname, '../golden') } = process.env;
  const file = resolve(GOLDEN_DIR, `${group}.json`);
  if (!existsSync(file)) throw new Error(`No recorded answers at ${file}: set GOLDEN_DIR to the folder that holds ${group}.json`);
  return JSON.parse(readFileSync(file, 'utf8')) as GoldenGroup;
}

/** The text of a request's body, or null when it has none or comes as bytes. */
export function bodyTextOf(request: GoldenRequest): string | null {
  if (request.rawBody !== undefined) return request.rawBody;
  return 'body' in request ? JSON.stringify(request.body) : null;
}
