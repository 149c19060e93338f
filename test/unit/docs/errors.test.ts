import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ERRORS } from '../../../src/core/errors.ts';
import { errorsPage } from '../../../src/http/docs-pages.ts';

const text = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8');
const sections = new Map(
  text
    .split(/^## /m)
    .slice(1)
    .map((section) => [section.slice(0, section.indexOf('\n')), section.slice(section.indexOf('\n')).trim()]),
);

describe('docs/errors.md', () => {
  test('has a section for each code of the catalogue, in its order, and no other', () => {
    expect([...sections.keys()]).toEqual(Object.keys(ERRORS));
  });

  test.each(Object.entries(ERRORS))('%s says what the catalogue says', (code, { title, status, retryable, remedy }) => {
    expect(sections.get(code)).toBe(`${title}. Status ${status}${retryable ? ', may be tried again' : ''}.\n\n${remedy}`);
  });

  test('the page that problems link to has an anchor for each code', () => {
    const page = errorsPage();
    for (const code of Object.keys(ERRORS)) expect(page).toContain(`<section id="${code}">`);
  });
});
