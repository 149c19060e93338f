/** Structured logging. An `error` field is written with its message and code; no field ever holds a secret. */
export type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;
