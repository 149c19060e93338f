import { attack } from './hostile-case.ts';

const ENDS = ['memory', 'thrown', 'timeout', 'crashed_runner'] as const;

/** Experiment 13: memory, inside the heap that the isolate's limit covers and outside of it. */
export const MEMORY = [
  attack('array that grows', 'const a = []; for (;;) a.push(new Array(1000).fill(0.5));', ...ENDS),
  attack('objects that grow', 'let o = null; for (;;) o = { o, a: 1, b: [] };', 'memory', 'timeout'),
  attack('text that doubles', "let s = 'x'; for (;;) s += s;", 'memory', 'thrown'),
  attack(
    'text that is made flat',
    "let s = 'xy'.repeat(2 ** 20); const a = []; for (;;) a.push((s + a.length).replace('x', 'z'));",
    ...ENDS,
  ),
  attack('split of a huge text', "return 'x'.repeat(2 ** 29 - 24).split('').length;", ...ENDS),
  attack('padEnd and spread', "return [...'a'.padEnd(5e8)].length;", ...ENDS),
  attack('ArrayBuffers', 'const a = []; for (;;) { const b = new Uint8Array(2 ** 24); b.fill(1); a.push(b); }', ...ENDS),
  attack('one huge ArrayBuffer', 'const b = new Uint8Array(2 ** 32); b.fill(1);', ...ENDS),
  attack(
    'resizable ArrayBuffer',
    'const b = new ArrayBuffer(0, { maxByteLength: 2 ** 32 }); for (let n = 0; ; n += 2 ** 24) { b.resize(n); new Uint8Array(b).fill(1); }',
    ...ENDS,
  ),
  attack(
    'many resizable ArrayBuffers',
    'const a = []; for (;;) { const b = new ArrayBuffer(0, { maxByteLength: 2 ** 26 }); b.resize(2 ** 26); new Uint8Array(b).fill(1); a.push(b); }',
    ...ENDS,
  ),
  attack('Map that grows', 'const m = new Map(); for (let i = 0; ; i++) m.set(i, { i });', ...ENDS),
  attack('Set of texts', "const m = new Set(); for (let i = 0; ; i++) m.add('k' + i);", ...ENDS),
  attack('closures', 'const a = []; for (;;) { const big = new Array(100).fill(a.length); a.push(() => big); }', ...ENDS),
  attack('symbols in the registry', "for (let i = 0; ; i++) Symbol.for('k'.repeat(1000) + i);", ...ENDS),
  attack('compiled functions', "const a = []; for (let i = 0; ; i++) a.push(new Function('return ' + i));", ...ENDS),
  attack('promises that wait', 'const a = []; for (;;) a.push(new Promise(() => {}));', ...ENDS),
  attack('deep recursion', 'const f = (n) => f(n + 1) + 1; return f(0);', 'thrown'),
  attack('regular expression that captures all', "const a = []; const s = 'ab'.repeat(1e6); for (;;) a.push(s.match(/./g));", ...ENDS),
  attack('sparse array made dense', 'const a = []; a[4e7] = 1; return a.fill(1.5).length;', ...ENDS),
  attack('BigInt beyond all bounds', 'return (2n ** 1000000000n) > 1n;', 'succeeded', ...ENDS),
  attack('typed array from a made-up length', 'return new Float64Array({ length: 2 ** 29 }).length;', ...ENDS),
  attack('concat that doubles', 'let a = [1]; for (;;) a = a.concat(a);', ...ENDS),
];
