import { pino } from 'pino';
import type { Log } from '../../ports/log.ts';

/** JSON lines on standard error. Members that could hold a secret are blanked, wherever a careless caller puts them. */
export function logger(level: 'debug' | 'info' | 'warn' | 'error' | 'silent'): Log {
  const log = pino(
    {
      level,
      base: null,
      redact: { paths: ['secret', 'key', 'authorization', 'password', '*.secret', '*.authorization', '*.password'], censor: '[redacted]' },
    },
    pino.destination({ dest: 2, sync: true }),
  );
  return (at, message, fields = {}) => {
    const { error, ...rest } = fields;
    log[at](error === undefined ? rest : { ...rest, err: error }, message);
  };
}
