import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sender } from '../../core/mail-address.ts';
import { messageFields } from '../../core/mail-message.ts';
import { oneLine } from '../../core/mail-text.ts';
import type { Mailer } from '../../ports/mailer.ts';
import { emlFileName } from './file-name.ts';

const CONCURRENCY = 4;
const MAX_DETAIL = 500;

/**
 * Without a mail server, mails become files that any mail reader opens (RFC 5322): one .eml each in `folder`, complete or not there. The same
 * mail sent again replaces its file. Mails may hold anything that handlers see, so only the owner can read them.
 */
export function emlMailer({ folder, from }: { folder: string; from: Sender }): Mailer {
  const composer = once(loadComposer);
  return {
    destination: folder,
    concurrency: CONCURRENCY,
    async send(mail) {
      const message = messageFields(mail, from);
      if (!message.ok) return { kind: 'permanent', detail: message.detail };
      try {
        const { message: bytes } = await (await composer()).sendMail({ ...message.fields });
        if (!Buffer.isBuffer(bytes)) throw new Error('the message was not composed');
        await writeWhole(folder, emlFileName(mail), bytes);
        return { kind: 'accepted' };
      } catch (error) {
        // A full or read-only disk is mended by people, as a mail server would be.
        return { kind: 'temporary', detail: oneLine(`cannot write the mail: ${describe(error)}`, MAX_DETAIL) };
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** The library is loaded for the first mail: most servers send few, and some none. */
async function loadComposer() {
  const { createTransport } = await import('nodemailer');
  return createTransport({ streamTransport: true, buffer: true, newline: 'windows', disableFileAccess: true, disableUrlAccess: true });
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | null = null;
  return () => (loaded ??= load());
}

/** Under its name the file is complete and on disk; before that it has another one, which no reader looks for. */
async function writeWhole(folder: string, name: string, bytes: Buffer): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${name}.tmp`);
  try {
    await writeSynced(temporary, bytes);
    await rename(temporary, join(folder, name));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {}); // the first error is the one to tell
    throw error;
  }
  await syncFolder(folder);
}

async function writeSynced(path: string, bytes: Buffer): Promise<void> {
  await using file = await open(path, 'w', 0o600);
  await file.writeFile(bytes);
  await file.sync();
}

/** Makes the new name itself durable; Windows has no such call and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using handle = await open(folder, 'r');
  await handle.sync();
}

function describe(error: unknown): string {
  return Error.isError(error) ? error.message : String(error);
}
