/** An integral double (1.0, 1e22, -0.0): a plain JS number would lose that it was spelled as a float. */
export class Double {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** An object with integer-like keys ("10", "9"), whose order a plain object would lose. Used only when such a key is present. */
export class OrderedObject {
  readonly members: Map<string, ExactValue>;

  constructor(members: Map<string, ExactValue>) {
    this.members = members;
  }
}

/** An object of JSON: a plain one may own a member named `__proto__`, so read it by `memberOf` and write it by `setMember`. */
export type ExactObject = { [key: string]: ExactValue } | OrderedObject;

/**
 * A JSON value that loses nothing (M61, M62). Integers are `number` up to 2^53-1 and `bigint` beyond;
 * doubles with a fraction are `number`; `Date` appears only where a store puts it (archived_at).
 */
export type ExactValue = null | boolean | string | number | bigint | Double | Date | ExactValue[] | ExactObject;

/** Whether a value is a JSON object, in either form. */
export function isObject(value: ExactValue | undefined): value is ExactObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Double) && !(value instanceof Date);
}

/** The member of that name, or undefined; inherited properties such as `constructor` are no members. */
export function memberOf(object: ExactObject, key: string): ExactValue | undefined {
  if (object instanceof OrderedObject) return object.members.get(key);
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** The members in the order of the text. */
export function membersOf(object: ExactObject): Iterable<[string, ExactValue]> {
  return object instanceof OrderedObject ? object.members : Object.entries(object);
}

/** Sets a member of a plain object; assigning `__proto__` would change the prototype instead. */
export function setMember(object: { [key: string]: ExactValue }, key: string, value: ExactValue): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}
