import type { Command } from 'commander';
import { visitable } from '../listening.ts';
import { Failure } from './failure.ts';
import { openConfig, withSettings } from './settings.ts';

export interface ServerOptions {
  url?: string;
  set?: string[];
}
/** Asks a running server; throws a Failure that says what it answered. */
export type Ask = <Answer>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) => Promise<Answer>;

const KEY = 'HOOKWRIGHT_KEY';

/** For a command that asks a running server. */
export function withServer(command: Command): Command {
  return withSettings(command)
    .option('--url <url>', 'where the server is; without it: HOST and PORT of the settings')
    .option('--json', 'as JSON');
}

/** The key comes from the environment or the settings, never from the command line, where everybody on the machine can read it. */
export async function openServer(options: ServerOptions): Promise<Ask> {
  const config = await openConfig(options);
  const base = (options.url ?? `http://${visitable(config.HOST)}:${config.PORT}`).replace(/\/+$/, '');
  const key = process.env[KEY] || config.ADMIN_KEY;
  const authorization: Record<string, string> = key === undefined ? {} : { Authorization: `Bearer ${key}` };
  return async <Answer>(method: string, path: string, body?: unknown) => {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { Accept: 'application/problem+json, application/json', 'Content-Type': 'application/json', ...authorization },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      throw new Failure(`No server answers at ${base}. Start it, or say with --url where it is.`, 1, { cause });
    });
    const text = await response.text();
    if (!response.ok) throw new Failure(problemText(response.status, text));
    return JSON.parse(text) as Answer;
  };
}

function problemText(status: number, text: string): string {
  if (status === 401 || status === 403) return `The server wants a key that may do this: put it into ${KEY}.`;
  try {
    const { detail, code, remedy } = JSON.parse(text) as { detail?: unknown; code?: unknown; remedy?: unknown };
    const said = typeof detail === 'string' ? detail : JSON.stringify(detail);
    return `The server answers ${status}${typeof code === 'string' ? ` ${code}` : ''}: ${said}${typeof remedy === 'string' ? `\n${remedy}` : ''}`;
  } catch {
    return `The server answers ${status}: ${text.slice(0, 300)}`;
  }
}
