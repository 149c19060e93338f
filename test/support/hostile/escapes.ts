import { attack, attackModule } from './hostile-case.ts';

/** Walks everything reachable from `ctx`, the event and the globals, and says what should not be there. */
const GRAPH_WALK = `
const bad = [];
const seen = new Set();
const open = [[ctx, 'ctx'], [event, 'event'], [globalThis, 'globalThis'], [new Error('x'), 'error'], [arguments_, 'arguments']];
while (open.length > 0 && seen.size < 20000) {
  const [value, path] = open.pop();
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue;
  seen.add(value);
  const name = Object.prototype.toString.call(value) + (typeof value === 'function' ? value.name : value.constructor?.name);
  if (/Reference(?!Error)|ExternalCopy|Isolate|Callback|NativeModule|SharedArrayBuffer|process|require/.test(name)) bad.push(path + ' ' + name);
  for (const key of Reflect.ownKeys(value)) {
    const own = Object.getOwnPropertyDescriptor(value, key);
    for (const part of [own.value, own.get, own.set]) open.push([part, path + '.' + String(key)]);
  }
  open.push([Object.getPrototypeOf(value), path + '.__proto__']);
}
return { bad, count: seen.size };`;

/** Experiment 16: out of the realm, into the engine, or into the next execution. None finds anything; results are compared by the test. */
export const ESCAPES = [
  attack('constructor chain', "return ctx.log.info.constructor('return typeof process + typeof require')();", 'succeeded'),
  attack('constructor of the result', "return ctx.events.get.constructor.constructor('return this.process?.env ?? null')();", 'succeeded'),
  attack('async function constructor', "return await (async () => {}).constructor('return typeof process')();", 'succeeded'),
  attack(
    'globals of a host',
    'return [typeof process, typeof require, typeof module, typeof Buffer, typeof global, typeof WebAssembly, typeof SharedArrayBuffer, typeof Atomics, typeof ivm, typeof $0];',
    'succeeded',
  ),
  attack('graph walk', GRAPH_WALK.replace('[arguments_, ', '[[], '), 'succeeded'),
  attackModule(
    'graph walk from this and arguments',
    `export default function (event, ctx) {\nconst arguments_ = arguments;\n${GRAPH_WALK}\n}`,
    'succeeded',
  ),
  attack('import()', "return await import('node:fs');", 'thrown'),
  attack(
    'import() of ourselves',
    "const found = []; for (const n of ['./main.ts', 'engine', 'handler', './handler']) { try { await import(n); found.push(n); } catch { } } return found;",
    'succeeded',
  ),
  attackModule('static import', "import fs from 'node:fs';\nexport default () => fs;", 'load_failed'),
  attackModule('static import of the guest', "import { add } from './main.ts';\nexport default () => add;", 'load_failed'),
  attack('import.meta', 'return Object.keys(import.meta);', 'succeeded'),
  attackModule(
    'stack trace hook',
    "Error.prepareStackTrace = (e, sites) => sites.map((s) => s.getFunction());\nexport default () => new Error('x').stack;",
    'load_failed',
  ),
  attack('stack trace hook by definition', "Object.defineProperty(Error, 'prepareStackTrace', { value: (e, sites) => sites });", 'thrown'),
  attack('stack text', "const e = new Error('x'); return e.stack;", 'succeeded'),
  attack(
    'stack of a refused call',
    "try { await ctx.events.get('refuse'); } catch (e) { return [e.message, e.stack, Object.keys(e)]; }",
    'succeeded',
  ),
  attack('captureStackTrace of an object', 'const o = {}; Error.captureStackTrace(o); return o.stack;', 'succeeded'),
  attackModule('arguments.callee.caller', 'export default function () { return String(arguments.callee?.caller); }', 'thrown'),
  attackModule(
    'caller of a sloppy function',
    "const f = new Function('return f.caller'.replace('f.', 'this.f.'));\nexport default function () { globalThis.f = f; return String(f()); }",
    'succeeded',
    'thrown',
  ),
  attack('pollution of Object.prototype', 'Object.prototype.polluted = 1;', 'thrown'),
  attack('pollution of Array.prototype', 'Array.prototype.push = () => 0;', 'thrown'),
  attack('pollution of Promise', 'Promise.prototype.then = () => 0;', 'thrown'),
  attack('pollution of JSON', 'JSON.stringify = () => "{}";', 'thrown'),
  attack('replacement of globals', 'globalThis.JSON = null;', 'thrown'),
  attack('pollution by setters', "Object.prototype.__defineSetter__('id', () => {});", 'thrown'),
  attack('pollution of iterators', 'Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true });', 'thrown'),
  attack('pollution of functions', 'Function.prototype.call = null;', 'thrown'),
  attack('pollution of errors', "Error.prototype.name = 'x';", 'thrown'),
  attack('pollution by species', 'Object.defineProperty(Array, Symbol.species, { value: null });', 'thrown'),
  attack('setPrototypeOf of intrinsics', 'Object.setPrototypeOf(Array.prototype, null);', 'thrown'),
  attack('ctx changed', 'ctx.log = null;', 'thrown'),
  attack('ctx.log changed', 'ctx.log.info = null;', 'thrown'),
  attack('config changed', 'ctx.config.n = 2;', 'thrown'),
  attack('handler changed', 'ctx.handler.id = 2;', 'thrown'),
  attack('tags changed', "ctx.tags.push('x');", 'thrown'),
  attack('console replaced', 'globalThis.console.log = () => 0;', 'thrown'),
  attackModule(
    'ctx kept for the next execution',
    'let kept;\nexport default (event, ctx) => { kept ??= ctx; kept.events.emit({ a: 1 }); return kept === ctx; };',
    'succeeded',
  ),
  attack(
    'then that catches the guest',
    'return { then(yes) { yes({ then(again) { again(typeof this + new Error().stack); } }); } };',
    'succeeded',
  ),
  attack('state of another handler', "return await ctx.state.get('../2/secret');", 'succeeded'),
  attack('config of another handler', 'return [Object.keys(ctx.config), Object.keys(ctx.handler)];', 'succeeded'),
  attack(
    'names of the guest',
    'const found = []; for (const n of ["lanes", "bridge", "start", "add", "answer", "poke", "prepare", "settings", "exits"]) { try { found.push(eval("typeof " + n)); } catch { } } return [...new Set(found)];',
    'succeeded',
  ),
  attack('indirect eval', "return [(0, eval)('typeof process'), (0, eval)('this === globalThis')];", 'succeeded'),
  attack('sourceURL of the guest', "eval('throw new Error(1)\\n//# sourceURL=engine');", 'thrown'),
  attack('sourceURL of the handler', "return eval('new Error(1).stack\\n//# sourceURL=handler');", 'succeeded'),
  attack('property of ids', 'return JSON.stringify(event) + ctx.execution.id.constructor("return process");', 'succeeded'),
  attack('disposable trick', 'using x = { [Symbol.dispose]() { throw new Error("late"); } }; return 1;', 'thrown'),
  attack('toString of engine functions', 'return [String(ctx.events.emit), String(ctx.sleep)].join().length < 2000;', 'succeeded'),
];
