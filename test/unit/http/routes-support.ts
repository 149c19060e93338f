import type { IncomingMessage } from 'node:http';
import { EngineError } from '../../../src/core/errors.ts';
import type { Caller } from '../../../src/core/key.ts';
import { checked } from '../../../src/http/check.ts';
import type { Reply, Route } from '../../../src/http/route.ts';

export const CALLER: Caller = { keyId: '0123456789abcdef', name: 'allen', scopes: ['admin'] };

export interface Call {
  params?: Record<string, string>;
  query?: Record<string, string>;
  /** JSON text. */
  body?: string;
  caller?: Caller;
}
export interface Answer {
  status: number;
  text: string;
  json: unknown;
  headers: Readonly<Record<string, string>>;
}

/** Calls a route as the pipeline does, with everything checked, but without a network. */
export async function call(routes: readonly Route[], methodAndPath: string, input: Call = {}): Promise<Answer> {
  const route = routes.find(({ method, path }) => `${method} ${path}` === methodAndPath);
  if (route === undefined) throw new Error(`no route ${methodAndPath}`);
  const { params = {}, query = {}, body, caller = CALLER } = input;
  const value: unknown = body === undefined ? undefined : JSON.parse(body);
  const reply = await route.handle({
    params: route.params === undefined ? params : checked(route.params, params, 'path'),
    query: route.query === undefined ? query : checked(route.query, query, 'query'),
    body: route.body === undefined ? value : checked(route.body, value, 'body'),
    bodyText: body ?? '',
    caller,
    request: {} as IncomingMessage, // none of these routes looks at it
    signal: new AbortController().signal,
  });
  return answerOf(reply);
}

function answerOf({ status, json, text, headers = {} }: Reply): Answer {
  const body = text ?? (json === undefined ? '' : JSON.stringify(json));
  return { status, text: body, json: body === '' ? undefined : JSON.parse(body), headers };
}

/** The error that a call ends with. */
export async function refusal(calling: Promise<unknown>): Promise<EngineError> {
  const reason: unknown = await calling.then(
    () => 'it was answered',
    (error: unknown) => error,
  );
  if (reason instanceof EngineError) return reason;
  throw new Error(`no EngineError: ${String(reason)}`, { cause: reason });
}
