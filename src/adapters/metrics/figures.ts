import type { Observer } from '../../ports/observer.ts';
import { declareProcess } from './process.ts';
import type { Registry } from './registry.ts';

/** Seconds. A commit takes a millisecond on a quick disk, a handler at most 300 s. */
const QUICK = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SLOW = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300];
const MS = 1_000;
const MAIL_RESULT = { sent: 'sent', failed: 'failed', pending: 'retried' } as const;

/** Every family that is counted as it happens. docs/operations.md is tested against their names. */
export function figures(registry: Registry) {
  declareProcess(registry);
  const attempts = registry.counter('hookwright_attempts_total', 'Attempts of executions that ended.', ['hook', 'result']);
  const failures = registry.counter('hookwright_attempt_failures_total', 'Attempts that failed, by reason.', ['hook', 'reason']);
  const runs = registry.histogram('hookwright_attempt_duration_seconds', 'How long handlers ran.', ['hook'], SLOW);
  const waits = registry.histogram(
    'hookwright_attempt_wait_seconds',
    'From the moment an attempt was due until the handler was called.',
    ['hook'],
    SLOW,
  );
  const events = registry.counter('hookwright_events_total', 'Events that came in, from requests or from handlers.', ['origin', 'result']);
  const emitted = events.of('handler', 'stored');
  const mails = registry.counter('hookwright_mail_attempts_total', 'Attempts to send a mail.', ['kind', 'result']);

  const observer: Observer = {
    attemptEnded({ item, result, reason, startedAt, finishedAt, emitted: count }) {
      attempts.of(item.hook, result).add();
      if (reason !== null) failures.of(item.hook, reason).add();
      runs.of(item.hook).observe(Math.max(0, finishedAt - startedAt) / MS);
      waits.of(item.hook).observe(Math.max(0, startedAt - item.runAt) / MS);
      if (count > 0) emitted.add(count);
    },
    mailEnded: (kind, state) => mails.of(kind, MAIL_RESULT[state]).add(),
  };

  return {
    observer,
    events,
    commits: registry.histogram('hookwright_store_write_duration_seconds', 'How long writes took, waiting included.', ['operation'], QUICK),
    storeErrors: registry.counter('hookwright_store_errors_total', 'Writes that the store did not take.', ['operation', 'code']),
    requests: registry.counter('hookwright_http_requests_total', 'Requests answered.', ['method', 'route', 'status']),
    requestTimes: registry.histogram('hookwright_http_request_duration_seconds', 'From headers to answer.', ['method', 'route'], QUICK),
  };
}
