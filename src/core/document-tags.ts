import { type ExactValue, isObject, memberOf, parseExact } from './json.ts';
import { eventTags, type Taggable } from './tags.ts';

/** The tags of a stored event, from its JSON text: what `eventTags` gave when it came in. */
export function documentTags(json: string): string[] {
  const document = parseExact(json);
  if (!isObject(document)) return [];
  const member = (name: string): ExactValue | undefined => memberOf(document, name);
  return eventTags({
    tags: texts(member('tags')),
    type: String(member('event_type')),
    level: Number(member('log_level')),
    source: sourceOf(member('source')),
    data: member('event_data') ?? null,
  });
}

function texts(value: ExactValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function sourceOf(value: ExactValue | undefined): Taggable['source'] {
  return isObject(value) ? (value as Taggable['source']) : {};
}
