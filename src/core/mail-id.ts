import type { DeliveryKind } from './delivery.ts';

/** What every mail of this server shares. */
export interface MailSite {
  /** Where people reach this server, without a trailing slash or with. */
  publicUrl: string;
  /** Right side of every Message-ID: `messageIdDomain` of the sender's address. */
  domain: string;
  /** Of Hookwright, named at the foot of the mails. */
  version: string;
  /** A collision-free short name of a text in [0-9a-f], such as hex SHA-256; the same for ever. */
  digest(text: string): string;
}

/** What a mail belongs to. */
export interface MailSubject {
  executionId: string;
  /** Tells this ending from earlier ones of the same execution, such as how often it was replayed; null for the first. */
  replay: number | null;
}

/**
 * Names one mail of one execution: the same whenever the same outcome is committed again, another one after a replay.
 * `place` tells the mails of one handler run apart.
 */
export function deliveryId(site: MailSite, subject: MailSubject, kind: DeliveryKind, place: number | null = null): string {
  const { executionId, replay } = subject;
  const name = site.digest(replay === null ? executionId : `${executionId}\u0000${replay}`);
  return place === null ? `${name}.${kind}` : `${name}.${kind}.${place}`;
}

/** Message-ID of a delivery, without angle brackets: derived, so every attempt and every repeated commit has the same. */
export function messageIdOf(site: Pick<MailSite, 'domain'>, id: string): string {
  return `${id}@${site.domain}`;
}
