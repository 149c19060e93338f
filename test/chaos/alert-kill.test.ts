import { setTimeout } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { allItems, type Delivery } from '../e2e/steps.ts';
import { mongodOfFile } from '../support/mongod-of-file.ts';
import { eventually } from '../support/server.ts';
import { type SmtpPeer, smtpPeer } from '../support/smtp-peer.ts';
import { Host, ROUNDS, randomOf, startLoad } from './chaos.ts';

const ADDRESSES = ['ada@lab.example', 'ben@lab.example'];
/** As many mails are under way at once; a kill may repeat those that the mail server took and that were not noted yet. */
const UNDER_WAY = 5;

const mongod = mongodOfFile();
const STORES: { store: string; settings: () => Record<string, string>; audit?: (host: Host) => Promise<void> }[] = [
  {
    store: 'SQLite',
    settings: () => ({}),
    async audit(host) {
      using found = await host.audit();
      expect(found.integrity).toBe('ok');
    },
  },
  { store: 'MongoDB', settings: () => ({ EVENT_DB_URL: mongod.url }) },
];

interface Alert {
  _id: string;
  event_data: { client: string; pair: number };
}

/** The Message-IDs of what arrived, by event and address. */
function mailsOf(peer: SmtpPeer): Map<string, string[]> {
  const mails = new Map<string, string[]>();
  for (const { to, raw } of peer.mails) {
    const [, id = ''] = /^X-MADSci-Event-ID: (.*)$/m.exec(raw) ?? [];
    const [, messageId = ''] = /^Message-ID: (.*)$/m.exec(raw) ?? [];
    const key = `${id} ${to.join()}`;
    mails.set(key, [...(mails.get(key) ?? []), messageId]);
  }
  return mails;
}

/** RELIABILITY G9 for alerts: kill -9 at any moment between an event and its mails. */
test.each(STORES)(
  'on $store every alert reaches each address although the server is killed, and what arrives twice has the same Message-ID',
  async ({ store, settings, audit }) => {
    const random = randomOf(`alert-kill on ${store}`);
    await using peer = await smtpPeer({
      async content() {
        await setTimeout(random.below(20));
        return null;
      },
    });
    const alerts = { smtp_server: '127.0.0.1', smtp_port: peer.port, use_tls: false, email_addresses: ADDRESSES };
    await using host = await Host.start({ env: { ...settings(), EVENT_EMAIL_ALERTS: JSON.stringify(alerts) } });
    // Every second event of a client is the twin of the one before, as log_alert posts them (M56).
    const event = (id: string, n: number) => ({
      _id: id,
      event_type: 'log_critical',
      log_level: 50,
      alert: true,
      event_timestamp: `2026-03-01T00:00:00.${String(n % 2).padStart(3, '0')}`,
      event_data: { client: id.split('-')[0], pair: Math.floor(n / 2) },
    });
    const load = startLoad(host, random, { singles: 2, batches: 1, lines: 4, pauseMs: 300, event });
    for (let round = 0; round < ROUNDS; round++) {
      await setTimeout(random.between(300, 1_500));
      await host.killAndRestart();
    }
    await load.stop();
    const stored = await allItems<Alert>(host.server, '/events/query', {});
    const ids = new Set(stored.map(({ _id }) => _id));
    expect(load.acked().filter((id) => !ids.has(id))).toEqual([]);

    // One alert for each pair, to each address; which of the two it names is left open.
    const pairs = Map.groupBy(stored, ({ event_data }) => `${event_data.client} ${event_data.pair}`);
    const untold = (): number[][] => {
      const mails = mailsOf(peer);
      const told = [...pairs.values()].map((events) =>
        ADDRESSES.map((address) => events.filter(({ _id }) => mails.has(`${_id} ${address}`)).length),
      );
      return told.filter((counts) => counts.join() !== '1,1');
    };
    // What the last server that was killed had stored and no more, another one takes up when its hold has ended.
    await eventually(async () => (untold().length === 0 ? true : null), 60_000).catch(() => undefined); // what follows says what is missing
    await host.drained(60_000 + ROUNDS * 10_000);
    expect(untold()).toEqual([]);
    const mails = mailsOf(peer);
    expect(mails.size).toBe(pairs.size * ADDRESSES.length);
    for (const copies of mails.values()) expect(new Set(copies).size).toBe(1);
    expect(peer.mails.length - mails.size).toBeLessThanOrEqual(ROUNDS * UNDER_WAY);
    const deliveries = await allItems<Delivery>(host.server, '/deliveries');
    expect(deliveries.filter(({ state }) => state !== 'sent')).toEqual([]);
    expect(deliveries).toHaveLength(mails.size);
    expect(host.output).not.toContain('unhandled');
    await audit?.(host);
  },
  120_000 + ROUNDS * 20_000,
);
