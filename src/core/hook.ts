import type { z } from 'zod';

/** A named place where handlers attach. One file in hooks/ defines each. */
export interface Hook {
  name: string;
  /** When it fires, as a phrase for the documentation: "when …". */
  fires: string;
  /** `event`: fires by itself for stored events; `engine`: fires by itself; `external`: fires by POST /hooks/{name}/trigger. */
  kind: 'event' | 'engine' | 'external';
  /** What handlers get as their first argument. Triggers are checked against it, read with JSON.parse; their text is kept as it came. */
  payload: z.ZodType;
  /** TypeScript text that declares the payload's type for handler authors. */
  typings: string;
  /** JSON text: a payload may hold integers that no number of JavaScript can. */
  sample: string;
}

/** Checks at load time that the sample fits the schema: a hook cannot ship with documentation that lies. */
export function defineHook<const Definition extends Hook>(definition: Definition): Definition {
  definition.payload.parse(JSON.parse(definition.sample));
  return definition;
}
