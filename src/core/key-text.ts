/** The text of a key: `hw_<id>_<secret>`. The id is public and finds the key; the secret proves it. */
const KEY_TEXT = /^hw_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;
const PRESET_TEXT = /^[\x21-\x7e]{16,512}$/;

/** What a key's parts are made of: 64 random bits of id, and 256 of secret. */
export const KEY_ID_BYTES = 8;
export const KEY_SECRET_BYTES = 32;

/** No header can carry a longer key, so none is hashed. */
export const MAX_KEY_TEXT = 512;

export function keyText(id: string, secret: Uint8Array): string {
  return `hw_${id}_${secret.toBase64({ alphabet: 'base64url', omitPadding: true })}`;
}

/** The public id that a text names, or null when it is not the text of a made key. */
export function keyIdOf(text: string): string | null {
  return KEY_TEXT.exec(text)?.[1] ?? null;
}

/** Whether a text may be preset as the admin key: 16 to 512 characters that a header can carry, none of them blank. */
export function isPresetText(text: string): boolean {
  return PRESET_TEXT.test(text);
}
