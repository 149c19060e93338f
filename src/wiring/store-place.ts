import { resolve } from 'node:path';
import type { Config } from '../config.ts';

type Place = Pick<Config, 'EVENT_DB_URL' | 'EVENT_DATABASE_NAME' | 'DATA_DIR'>;

/** Where the data is, for people: never with credentials. */
export function storePlace({ EVENT_DB_URL: url, EVENT_DATABASE_NAME: database, DATA_DIR: folder }: Place): string {
  return url === undefined ? resolve(folder) : `MongoDB ${hostsOf(url)}, database ${database}`;
}

export function hostsOf(url: string): string {
  const place = url.replace(/^mongodb(\+srv)?:\/\//, '');
  const [hosts = ''] = place.slice(place.lastIndexOf('@') + 1).split(/[/?]/);
  return /^[\w.,:%[\]-]+$/.test(hosts) ? hosts : '(somewhere)';
}
