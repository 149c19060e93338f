import { z } from 'zod';
import { EngineError } from '../../core/errors.ts';
import { isObject, memberOf, naiveDateText } from '../../core/json.ts';
import { notObject, notText } from '../../core/validation.ts';
import { madsciText, madsciValue } from '../body/madsci-body.ts';
import type { HttpDeps } from '../deps.ts';
import { inBody } from '../problem.ts';
import { type Route, route } from '../route.ts';

const LONGEST_BODY = 65_536;
const DESCRIPTION = 'manual_backup';

const BackupRequest = z
  .object({
    description: z
      .string()
      .nullable()
      .optional()
      .meta({ description: `Ends the name of the backup. Default: ${DESCRIPTION}.` }),
  })
  .meta({ id: 'BackupRequest', example: { description: 'before the move' } });
const BackupResult = z.object({ backup_path: z.string(), status: z.literal('completed') }).meta({ id: 'BackupResult' });
const BackupStatus = z
  .object({
    backup_enabled: z.boolean().meta({ description: 'Whether backups are made by a schedule.' }),
    backup_dir: z.string(),
    available_backups: z.array(
      z.object({
        path: z.string(),
        created_at: z.string().meta({ description: 'In UTC, without a zone.' }),
        size_bytes: z.int(),
        is_valid: z.boolean().meta({ description: 'Whether its bytes are those that were written.' }),
      }),
    ),
  })
  .meta({ id: 'BackupStatus' });

export function backupRoutes(deps: HttpDeps): Route[] {
  return [createRoute(deps), ...['/backup/status', '/backup'].map((path) => statusRoute(deps, path))];
}

function createRoute({ backups }: HttpDeps): Route {
  return route({
    method: 'post',
    path: '/backup',
    area: 'operation',
    scope: 'events:write',
    sameSite: true,
    madsci: true,
    summary: 'Make a backup of the whole store',
    description: 'Answers when it is complete. Older ones beyond BACKUP_MAX_COUNT are removed.',
    body: BackupRequest,
    reads: 'stream',
    replies: { 200: { description: 'Where it is, on the server', schema: BackupResult } },
    errors: ['invalid_request', 'backup_running', 'backup_failed'],
    span: { name: 'event.backup.create' },
    /** M16 */
    async handle({ request }) {
      const description = readDescription(await madsciText(request, LONGEST_BODY));
      const path = await backups.create(description).catch((error: unknown) => {
        throw named('Failed to create backup', error);
      });
      return { status: 200, json: { backup_path: path, status: 'completed' } };
    },
  });
}

/** No body, and null, mean the same as an empty object. */
function readDescription(text: string): string {
  if (text === '' || text.trim() === 'null') return DESCRIPTION;
  const body = madsciValue(text);
  if (!isObject(body)) throw inBody([notObject([], body)]);
  const description = memberOf(body, 'description') ?? null;
  if (description !== null && typeof description !== 'string') throw inBody([notText(['description'], description)]);
  return description === null || description === '' ? DESCRIPTION : description;
}

/** MADSci's client asks for the status at /backup (M55), where the original has none. */
function statusRoute({ backups }: HttpDeps, path: string): Route {
  return route({
    method: 'get',
    path,
    area: 'operation',
    scope: 'events:read',
    madsci: true,
    summary: 'Which backups there are, newest first',
    replies: { 200: { description: 'Backups', schema: BackupStatus } },
    errors: ['backup_failed'],
    span: { name: 'event.backup.status' },
    /** M17 */
    async handle() {
      const found = await backups.list().catch((error: unknown) => {
        throw named('Failed to get backup status', error);
      });
      const available_backups = found.map(({ path, createdAt, bytes, isValid }) => ({
        path,
        created_at: naiveDateText(new Date(createdAt)),
        size_bytes: bytes,
        is_valid: isValid,
      }));
      return {
        status: 200,
        json: { backup_enabled: backups.isEnabled, backup_dir: backups.folder, available_backups },
      };
    },
  });
}

function named(what: string, error: unknown): unknown {
  return error instanceof EngineError ? new EngineError(error.code, `${what}: ${error.message}`, { cause: error }) : error;
}
