import { mayHaveTwin, type RaisedAlert, twinText } from '../core/alert.ts';
import { type AlertMailSettings, alertMails } from '../core/alert-mail.ts';
import type { NewDelivery } from '../core/delivery.ts';
import type { AlertStore } from '../ports/alert-store.ts';

/** Where it is decided what becomes of an alert that a handler raised. */
export interface AlertDesk {
  /** Whether an alert that names no addresses reaches anybody. */
  readonly hasAddresses: boolean;
  /**
   * The mails of what an execution raised, to be written with its outcome. Deciding again answers the same, so an execution that is repeated
   * after a crash writes what it would have written. Rejects when the store does not answer.
   */
  mailsOf(raised: readonly RaisedAlert[], from: { executionId: string; at: number }): Promise<NewDelivery[]>;
}

export interface AlertDeskOptions {
  store: AlertStore;
  mails: AlertMailSettings;
  now(): number;
}

export function alertDesk({ store, mails, now }: AlertDeskOptions): AlertDesk {
  /** One call of the client's `log_alert` posts two events (M56): the later one is no alert of its own. */
  async function isTwin(alert: RaisedAlert): Promise<boolean> {
    if (!mayHaveTwin(alert)) return false;
    const { id, timestampUs } = alert.event;
    return store.isTwin(mails.site.digest(twinText(alert)), { id, atUs: timestampUs }, now());
  }

  return {
    hasAddresses: mails.addresses.length > 0,
    async mailsOf(raised, from) {
      const decided = await Promise.all(raised.map(async (alert) => ((await isTwin(alert)) ? [] : alertMails(alert, mails, from))));
      return decided.flat();
    },
  };
}
