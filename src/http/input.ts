import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../core/key.ts';
import type { RouteInput } from './route.ts';

/** The input of a route's handler; the signal is only made when it is asked for. */
export class Input implements RouteInput<unknown, unknown, unknown> {
  params: unknown;
  query: unknown;
  body: unknown;
  bodyText = '';
  readonly caller: Caller;
  readonly request: IncomingMessage;
  readonly #response: ServerResponse;
  #signal: AbortSignal | null = null;

  constructor(caller: Caller, request: IncomingMessage, response: ServerResponse) {
    this.caller = caller;
    this.request = request;
    this.#response = response;
  }

  get signal(): AbortSignal {
    if (this.#signal !== null) return this.#signal;
    const gone = new AbortController();
    const response = this.#response;
    const abort = (): void => {
      if (!response.writableFinished) gone.abort();
    };
    if (response.destroyed) abort();
    else response.once('close', abort);
    this.#signal = gone.signal;
    return this.#signal;
  }
}
