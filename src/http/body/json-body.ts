/** JSON bodies of the control plane, read by koa-body and checked by zod. */
import type { ParameterizedContext } from 'koa';
import { koaBody } from 'koa-body';
import { EngineError } from '../../core/errors.ts';
import { LIMITS } from '../limits.ts';
import { requestTimeout, tooLarge } from './read-body.ts';

const JSON_TYPES = ['application/json', 'application/*+json'];

interface JsonBody {
  /** undefined when there is no body. */
  value: unknown;
  text: string;
}

export type ReadJson = (ctx: ParameterizedContext) => Promise<JsonBody>;

export function jsonReader(maxBytes: number): ReadJson {
  const parse = koaBody({
    jsonLimit: maxBytes,
    jsonTypes: JSON_TYPES,
    includeUnparsed: true,
    multipart: false,
    urlencoded: false,
    text: false,
  });

  return async (ctx) => {
    const type = ctx.is(JSON_TYPES);
    if (type === null) return NO_BODY;
    if (type === false && ctx.request.length !== 0) throw new EngineError('unsupported_media_type', 'Send Content-Type: application/json');
    await inTime(parse(ctx, nothingMore)).catch((error: unknown) => {
      throw bodyError(error, maxBytes);
    });
    const text = ctx.request.rawBody ?? '';
    return text === '' ? NO_BODY : { value: ctx.request.body, text };
  };
}

const NO_BODY: JsonBody = { value: undefined, text: '' };

async function nothingMore(): Promise<void> {}

async function inTime(parsing: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(requestTimeout()), LIMITS.requestMs);
  try {
    await Promise.race([parsing, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The parser tells by `status` whose fault it was; its texts may quote the body. */
function bodyError(error: unknown, maxBytes: number): unknown {
  if (error instanceof EngineError || !(error instanceof Error)) return error;
  const status = 'status' in error ? error.status : undefined;
  if (status === 413) return tooLarge(maxBytes);
  if (status === 415) return new EngineError('unsupported_media_type', 'This Content-Encoding or charset is not read');
  return new EngineError('invalid_json', 'The body is not a JSON object or array', { cause: error });
}
