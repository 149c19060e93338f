/** Structured logging as the engine sees it; `error` fields are written with message and code, never with secrets. */
export type Log = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Record<string, unknown>) => void;
