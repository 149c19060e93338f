import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { interopPython, runPython } from '../support/python.ts';
import { startServer } from '../support/server.ts';

interface Schema {
  type?: string;
  format?: string;
  default?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  anyOf?: Schema[];
  $ref?: string;
}
interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, unknown>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

let folder: string;
let theirs: Document;
let ours: Document;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hookwright-openapi-'));
  const target = join(folder, 'original.json');
  const script = join(import.meta.dirname, 'original_openapi.py');
  const run = await runPython(interopPython(), [script, target], folder, { EVENT_ENABLE_REGISTRY_RESOLUTION: 'false' });
  if (run.code !== 0) throw new Error(run.output);
  theirs = JSON.parse(readFileSync(target, 'utf8')) as Document;
  await using server = await startServer();
  ours = (await (await fetch(`${server.url}/openapi.json`)).json()) as Document;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const operations = (document: Document): [string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  );
const schemaOf = (document: Document, schema: Schema): Schema => {
  const { $ref, ...rest } = schema;
  return $ref === undefined ? schema : { ...document.components.schemas[$ref.split('/').at(-1) ?? ''], ...rest };
};
/** A parameter in the words that both documents have. A union with null is what may be left out. */
const plain = ({ name, in: place, required = false, schema }: NonNullable<Operation['parameters']>[number]) => {
  const { type, format, default: fallback } = { ...schema.anyOf?.find((one) => one.type !== 'null'), ...schema };
  return { name, place, required, format: format ?? null, default: fallback ?? null, type };
};

describe('the OpenAPI document, beside that of the original', () => {
  test('has every operation', () => {
    const found = new Set(operations(ours).map(([name]) => name));
    const names = operations(theirs).map(([name]) => name);
    expect(names).toHaveLength(14);
    expect(names.filter((name) => !found.has(name))).toEqual([]);
  });

  test('has every parameter, with its place, type, format and default', () => {
    const byName = new Map(operations(ours));
    let count = 0;
    for (const [name, { parameters = [] }] of operations(theirs)) {
      for (const parameter of parameters) {
        count++;
        const own = byName.get(name)?.parameters?.find((one) => one.name === parameter.name && one.in === parameter.in);
        // A level may be a number or a name, which ours calls a text.
        const type = parameter.name === 'level' ? 'string' : plain(parameter).type;
        expect({ name, parameter: own === undefined ? parameter.name : plain(own) }).toEqual({
          name,
          parameter: { ...plain(parameter), type },
        });
      }
    }
    expect(count).toBeGreaterThan(20);
  });

  test('takes every member of every body, with its default', () => {
    const byName = new Map(operations(ours));
    const bodyOf = (document: Document, operation: Operation | undefined): Record<string, Schema> => {
      const { properties = {} } = schemaOf(document, operation?.requestBody?.content['application/json']?.schema ?? {});
      return properties;
    };
    let count = 0;
    for (const [name, operation] of operations(theirs)) {
      const own = bodyOf(ours, byName.get(name));
      for (const [member, schema] of Object.entries(bodyOf(theirs, operation))) {
        count++;
        expect({ name, member, isThere: member in own, default: own[member]?.default ?? null }).toEqual({
          name,
          member,
          isThere: true,
          default: schema.default ?? null,
        });
      }
    }
    expect(count).toBeGreaterThan(10);
  });

  test('names every status that the original names', () => {
    const byName = new Map(operations(ours));
    for (const [name, { responses }] of operations(theirs))
      for (const status of Object.keys(responses))
        expect([name, status, status in (byName.get(name)?.responses ?? {})]).toEqual([name, status, true]);
  });
});
