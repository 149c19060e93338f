import type { MailSite } from '../core/mail-id.ts';
import { handlerMail, outcomeMail } from '../core/outcome-mail.ts';
import type { Ready } from './ready.ts';
import type { OutcomeMails } from './settle.ts';

/** The mails of outcomes (B9), as deliveries that go into the outcome's commit. */
export function outcomeMails(site: MailSite): OutcomeMails {
  const subjectOf = ({ lease, replays }: Ready) => ({ executionId: lease.executionId, replay: replays === 0 ? null : replays });
  return {
    finished({ item, handler, version, outcome, to }) {
      return outcomeMail({
        site,
        to,
        ...subjectOf(item),
        handler: { ...handler, version: version.version },
        hook: item.hook,
        eventId: item.subjectId,
        attempts: item.lease.attempt,
        maxAttempts: version.retry.maxAttempts,
        outcome,
        source: version.code,
        createdAt: Math.ceil(outcome.finishedAt),
      });
    },
    sent: (item, mails, at) => mails.map((effect, n) => handlerMail({ site, ...subjectOf(item), effect, n, createdAt: Math.ceil(at) })),
  };
}
