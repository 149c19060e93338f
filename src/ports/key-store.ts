import type { Key } from '../core/key.ts';

export interface KeyStore {
  all(): Promise<Key[]>;
  create(key: Key): Promise<void>;
  /** Null when there is no such key; revoking twice keeps the first time. */
  revoke(id: string, at: number): Promise<Key | null>;
  /** Notes the latest use of keys, in one commit. */
  touch(uses: readonly { id: string; at: number }[]): Promise<void>;
  /** A value that the installation keeps for good, such as its manager id; the first caller's value wins and is answered. */
  keepSetting(name: string, value: string): Promise<string>;
  /** A value that the installation keeps, or null. */
  setting(name: string): Promise<string | null>;
  /** Sets a value if it still is `before` (null: there is none); false, and no change, when it is another one by now. */
  exchangeSetting(name: string, before: string | null, after: string): Promise<boolean>;
}
