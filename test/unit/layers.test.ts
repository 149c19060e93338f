import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const ROOT = new URL('../..', import.meta.url).pathname;
const FILES = globSync(['src/**/*.ts', 'hooks/**/*.ts', 'handlers/**/*'], { cwd: ROOT, withFileTypes: false })
  .filter((file) => /\.[jt]s$/.test(file))
  .sort();

/** One `import` or `export … from` of a file. A type-only one is gone when the file runs. */
interface Import {
  from: string;
  to: string;
  isTypeOnly: boolean;
  isDynamic?: boolean;
}

const STATEMENT = /^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)/g;

function importsOf(file: string): Import[] {
  const text = withoutComments(readFileSync(join(ROOT, file), 'utf8'));
  const found = [...text.matchAll(STATEMENT)].map(([, type, to]) => ({ from: file, to: to as string, isTypeOnly: type !== undefined }));
  const dynamic = [...text.matchAll(DYNAMIC)].map(([, to]) => ({ from: file, to: to as string, isTypeOnly: false, isDynamic: true }));
  return [...found, ...dynamic];
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

/** The file that a relative import names, from the root of the repository; null for a package. */
function target({ from, to }: Import): string | null {
  return to.startsWith('.') ? relative(ROOT, join(ROOT, dirname(from), to)) : null;
}

/** `core`, `adapters/sqlite`, `hooks`; `root` for the files beside src/app.ts and those of src/wiring. */
function layerOf(file: string): string {
  const [top, layer = '', part = ''] = file.split(sep);
  if (top !== 'src') return top as string;
  if (layer === 'wiring' || !file.slice('src/'.length).includes(sep)) return 'root';
  return layer === 'adapters' ? `adapters/${part.replace(/\.ts$/, '')}` : layer;
}

interface Rule {
  /** Layers of our own besides itself; those under `types` only by type-only imports. */
  layers: readonly string[];
  types?: readonly string[];
  packages: readonly RegExp[];
}
const ANY_NODE = /^node:/;
const ADAPTER: Rule = { layers: ['core', 'ports'], packages: [ANY_NODE] };
const RULES: Readonly<Record<string, Rule>> = {
  core: { layers: [], packages: [/^zod$/, /^re2js$/, /^csv-stringify\/sync$/] },
  ports: { layers: [], types: ['core'], packages: [] },
  engine: { layers: ['core', 'ports'], packages: [/^node:(timers|events)(\/promises)?$/] },
  'adapters/cron': { ...ADAPTER, packages: [ANY_NODE, /^(croner|node-cron)$/] },
  'adapters/crypto': ADAPTER,
  'adapters/files': { ...ADAPTER, packages: [ANY_NODE, /^zod$/] },
  'adapters/eml': { ...ADAPTER, packages: [ANY_NODE, /^nodemailer(\/|$)/] },
  'adapters/smtp': { ...ADAPTER, packages: [ANY_NODE, /^nodemailer(\/|$)/] },
  'adapters/isolate': { ...ADAPTER, packages: [ANY_NODE, /^isolated-vm$/] },
  'adapters/sqlite': { ...ADAPTER, packages: [ANY_NODE, /^piscina$/] },
  'adapters/mongo': { ...ADAPTER, packages: [ANY_NODE, /^(mongodb|piscina)$/] },
  'adapters/metrics': ADAPTER,
  'adapters/otel': { ...ADAPTER, packages: [ANY_NODE, /^@opentelemetry\//] },
  'adapters/system': { ...ADAPTER, packages: [ANY_NODE, /^pino$/, /^ulid$/] },
  http: { layers: ['core'], types: ['ports', 'engine'], packages: [ANY_NODE, /^(koa|koa-body|@koa\/router|zod|zod-openapi)(\/|$)/] },
  portal: { layers: [], packages: [] },
  sdk: { layers: ['core'], packages: [] },
  settings: { layers: ['core'], packages: [ANY_NODE, /^(zod|yaml|smol-toml)$/] },
  cli: { layers: ['core', 'ports', 'engine', 'settings', 'sdk', 'adapters/system', 'root'], packages: [ANY_NODE, /^commander$/] },
  hooks: { layers: ['core'], packages: [/^zod$/] },
  handlers: { layers: [], packages: [] },
};

function violation(one: Import): string | null {
  const layer = layerOf(one.from);
  const rule = RULES[layer];
  if (layer === 'root') return null;
  if (rule === undefined) return `${layer} is in no row of the layer table`;
  const file = target(one);
  if (file === null) return rule.packages.some((name) => name.test(one.to)) ? null : `imports ${one.to}`;
  const to = layerOf(file);
  if (to === layer || rule.layers.includes(to)) return null;
  if (rule.types?.includes(to)) return one.isTypeOnly ? null : `imports more than types of ${file}`;
  return `imports ${file}`;
}

describe('the layer table', () => {
  test('finds the files it is about', () => {
    expect(FILES.length).toBeGreaterThan(100);
    expect(FILES.flatMap(importsOf).length).toBeGreaterThan(FILES.length);
  });

  test('every import names a file that is there', () => {
    const gone = FILES.flatMap(importsOf).filter((one) => {
      const file = target(one);
      return file !== null && !existsSync(join(ROOT, file));
    });
    expect(gone).toEqual([]);
  });

  test.each([...Object.keys(RULES), 'root'])('%s imports only what it may', (layer) => {
    const files = FILES.filter((file) => layerOf(file) === layer);
    const found = files.flatMap(importsOf).flatMap((one) => {
      const fault = violation(one);
      return fault === null ? [] : [`${one.from} ${fault}`];
    });
    expect(found).toEqual([]);
  });

  test('every file is in a layer', () => {
    expect([...new Set(FILES.map(layerOf))].filter((layer) => layer !== 'root' && RULES[layer] === undefined)).toEqual([]);
  });

  test('OpenTelemetry is loaded only where traces are on: nothing imports it before', () => {
    const isOf = (file: string | null): boolean => file?.startsWith('src/adapters/otel/') === true;
    const early = FILES.filter((file) => !isOf(file)).flatMap((file) =>
      importsOf(file).filter((one) => !one.isTypeOnly && !one.isDynamic && (isOf(target(one)) || one.to.startsWith('@opentelemetry'))),
    );
    expect(early).toEqual([]);
  });

  test('nothing but src/serve.ts imports src/app.ts, except for its types', () => {
    const importers = FILES.flatMap(importsOf).filter((one) => target(one) === 'src/app.ts' && !one.isTypeOnly);
    expect(importers.map(({ from }) => from)).toEqual(['src/serve.ts']);
  });

  test.each(FILES.filter((file) => layerOf(file) === 'core'))('%s is pure: no clock, no chance, no process', (file) => {
    const text = withoutComments(readFileSync(join(ROOT, file), 'utf8'));
    expect(text).not.toMatch(
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bperformance\.|\bset(?:Timeout|Interval|Immediate)\b|\bcrypto\./,
    );
  });

  test.each(FILES.filter((file) => layerOf(file) === 'engine'))('%s has time and chance only from outside', (file) => {
    const text = withoutComments(readFileSync(join(ROOT, file), 'utf8'));
    expect(text).not.toMatch(/\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bperformance\.|\bset(?:Timeout|Interval)\(/);
  });
});

test('no file needs itself to load: there are no runtime import cycles', () => {
  const edges = new Map<string, string[]>();
  for (const one of FILES.flatMap(importsOf)) {
    const file = target(one);
    if (file !== null && !one.isTypeOnly) edges.set(one.from, [...(edges.get(one.from) ?? []), file]);
  }
  expect(cycles(edges)).toEqual([]);
});

/** Each of these is a process or thread of its own, of which there are several: zod alone would add 10 MB to every one. */
test.each(['src/adapters/sqlite/writer-thread.ts', 'src/adapters/sqlite/reader-thread.ts', 'src/adapters/isolate/runner.ts'])(
  '%s loads little: no zod',
  (entry) => {
    const met = new Set([entry]);
    const packages = new Set<string>();
    for (const file of met) {
      const loaded = importsOf(file).filter(({ isTypeOnly, isDynamic }) => !isTypeOnly && isDynamic !== true);
      for (const one of loaded) {
        const own = target(one);
        if (own === null) packages.add(one.to);
        else met.add(own);
      }
    }
    expect([...packages]).not.toContain('zod');
    expect(met.size).toBeGreaterThan(3);
  },
);

/** Depth first; a file that is met again on the way down closes a cycle. */
function cycles(edges: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, way: readonly string[]): void => {
    const at = way.indexOf(file);
    if (at >= 0) found.push([...way.slice(at), file].join(' → '));
    if (at >= 0 || done.has(file)) return;
    for (const next of edges.get(file) ?? []) walk(next, [...way, file]);
    done.add(file);
  };
  for (const file of edges.keys()) walk(file, []);
  return found;
}
