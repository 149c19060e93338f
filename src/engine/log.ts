export type { Log } from '../ports/log.ts';
