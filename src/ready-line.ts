import type { App } from './app.ts';
import type { Config } from './config.ts';
import { storePlace } from './wiring/store-place.ts';

/** What a start prints: where everything is, the key if it is new, and the next thing to try. */
export function readyLine(app: App, config: Config): string {
  const url = config.PUBLIC_URL ?? app.url;
  const key = app.adminKey;
  const lines = [
    `Hookwright is ready.`,
    `  API    ${url}`,
    `  Docs   ${url}/docs`,
    `  Data   ${storePlace(config)}`,
    `  Mails  ${app.mailDestination}${config.SMTP_URL === undefined ? ' (.eml files; set SMTP_URL to send them)' : ''}`,
  ];
  if (app.alertDestination !== null) lines.push(`  Alerts ${app.alertDestination}`);
  lines.push(
    `  Open   ${config.anonymousScopes.length === 0 ? 'every request needs a key' : `without a key: ${config.anonymousScopes.join(', ')}`}`,
  );
  if (app.lostAttempts > 0) lines.push(`  The last stop cut off ${app.lostAttempts} executions; they run again.`);
  if (!config.isLoopback && !url.startsWith('https:'))
    lines.push('  Warning: listening beyond this machine without TLS; keys can be read on the way. Put a TLS proxy in front.');
  if (key !== null) lines.push('', '  Admin key, shown only this once; keep it:', `    ${key}`);
  lines.push(
    '',
    `  Try:  curl -s ${url}/event${config.anonymousScopes.includes('events:write') ? '' : ' -H "Authorization: Bearer $KEY"'} -H 'Content-Type: application/json' -d '{"event_type":"test","event_data":{"message":"hello"}}'`,
    '',
  );
  return `${lines.join('\n')}\n`;
}
