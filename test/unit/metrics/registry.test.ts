import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_SERIES, Registry } from '../../../src/adapters/metrics/registry.ts';
import { parsePrometheus, sampleOf } from '../../support/prometheus.ts';

describe('the text of figures', () => {
  test('has help and type of each family that has samples, and leaves out the others', () => {
    const registry = new Registry();
    registry.counter('a_total', 'How many\nand \\ why.', []).of().add(3);
    registry.counter('never_total', 'Nothing.', ['of']);
    registry.sampled('gauge', 'now', 'At the moment.', ['of'], () => [[['x'], -1.5e-7]]);
    expect(registry.text()).toBe(
      '# HELP a_total How many\\nand \\\\ why.\n# TYPE a_total counter\na_total 3\n# HELP now At the moment.\n# TYPE now gauge\nnow{of="x"} -1.5e-7\n',
    );
  });

  test('counts what is observed into the first bucket that takes it', () => {
    const registry = new Registry();
    const times = registry.histogram('t_seconds', 'Times.', ['of'], [0.1, 1]);
    for (const value of [0.05, 0.1, 0.5, 1, 3]) times.of('x').observe(value);
    const found = parsePrometheus(registry.text());
    const bucket = (le: string) => sampleOf(found, 't_seconds_bucket', { of: 'x', le });
    expect([bucket('0.1'), bucket('1'), bucket('+Inf')]).toEqual([2, 4, 5]);
    expect(sampleOf(found, 't_seconds_count', { of: 'x' })).toBe(5);
    expect(sampleOf(found, 't_seconds_sum', { of: 'x' })).toBeCloseTo(4.65);
  });

  test('any text as the value of a label comes back as it was', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }), (values) => {
        const registry = new Registry();
        const counter = registry.counter('a_total', 'A.', ['x', 'y']);
        for (const [n, value] of values.entries()) counter.of(value, 'y').add(n + 1);
        const found = parsePrometheus(registry.text());
        expect(values.map((x) => sampleOf(found, 'a_total', { x, y: 'y' }))).toEqual(values.map((_, n) => n + 1));
      }),
    );
  });

  test('labels that make too many series are counted together', () => {
    const registry = new Registry();
    const counter = registry.counter('a_total', 'A.', ['x']);
    for (let n = 0; n < MAX_SERIES + 50; n++) counter.of(`x${n}`).add();
    counter.of('x7').add();
    const found = parsePrometheus(registry.text());
    expect(found.get('a_total')?.samples).toHaveLength(MAX_SERIES + 1);
    expect(sampleOf(found, 'a_total', { x: 'other' })).toBe(50);
    expect(sampleOf(found, 'a_total', { x: 'x7' })).toBe(2);
  });

  test('names that Prometheus would not take, or that are taken, cannot be declared', () => {
    const registry = new Registry();
    registry.counter('a_total', 'A.', []);
    for (const name of ['a_total', 'a-b', '1a', '']) expect(() => registry.counter(name, 'A.', [])).toThrow('cannot declare');
    expect(() => registry.histogram('b', 'B.', ['le'], [1])).toThrow('cannot declare');
    expect(() => registry.counter('c_total', 'C.', ['x']).of()).toThrow('1 labels, not 0');
  });
});
