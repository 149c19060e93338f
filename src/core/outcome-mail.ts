import type { NewDelivery } from './delivery.ts';
import type { Effect, LogLine, Outcome } from './execution.ts';
import { type MailContent, type MailSection, renderHtml } from './mail-html.ts';
import { deliveryId, type MailSite, type MailSubject, messageIdOf } from './mail-id.ts';
import { prettyJson } from './mail-json.ts';
import { markSource } from './mail-source.ts';
import { cutBytes, instant, oneLine, plainText, utf8Length } from './mail-text.ts';

/** Bounds of a mail. What a handler returned, and every body, is in bytes of UTF-8. */
export const MAIL_BOUNDS = { subject: 200, body: 307_200, result: 262_144, message: 8_192, logs: 10_240, logLines: 50 } as const;

/** Everything about a finished execution that its mail tells. Times are milliseconds since the epoch. */
export interface OutcomeMailInput extends MailSubject {
  site: MailSite;
  /** The success or the failure address, checked by `checkAddress` when the handler was registered. */
  to: string;
  handler: { id: number; name: string; version: number };
  hook: string;
  eventId: string | null;
  /** Attempts made, this one included, and how many the handler may have. */
  attempts: number;
  maxAttempts: number;
  outcome: Outcome;
  /** The registrant's source of that version, to show the failing line; null when it is not at hand. */
  source: string | null;
  /** Also the date of the mail; outcomes have fractions of milliseconds, deliveries do not. */
  createdAt: number;
}

const NAME_LENGTH = 120;
const ID_LENGTH = 300;
const MAX_LINK = 2_000;
const LOG_LINE_LENGTH = 2_000;

/** The one mail of a finished execution (B9): what the handler returned, or how it failed. Deterministic: same input, same mail. */
export function outcomeMail(input: OutcomeMailInput): NewDelivery {
  const { site, outcome } = input;
  const kind = outcome.kind === 'succeeded' ? 'success' : 'failure';
  const id = deliveryId(site, input, kind);
  const content = contentOf(input);
  return {
    id,
    executionId: input.executionId,
    kind,
    to: input.to,
    subject: oneLine(`[hookwright] ${content.headline}`, MAIL_BOUNDS.subject),
    text: cutBytes(renderText(content), MAIL_BOUNDS.body),
    html: renderHtml(content),
    messageId: messageIdOf(site, id),
    createdAt: Math.trunc(input.createdAt),
  };
}

/** One `ctx.mail.send` of a run; `n` is its place among the effects of the run. */
export interface HandlerMailInput extends MailSubject {
  site: MailSite;
  effect: Extract<Effect, { op: 'mail' }>;
  n: number;
  createdAt: number;
}

/**
 * A mail that a handler asked for, as it wrote it: only bounded and cleaned of what no mail may carry. HTML beyond the bound is left out
 * whole, since half a document may mean something else. The recipient was checked when the handler called; mailers refuse any other.
 */
export function handlerMail({ site, effect, n, createdAt, ...subject }: HandlerMailInput): NewDelivery {
  const id = deliveryId(site, subject, 'mail', n);
  const html = effect.html === null ? null : plainText(effect.html);
  return {
    id,
    executionId: subject.executionId,
    kind: 'mail',
    to: effect.to,
    subject: oneLine(effect.subject, MAIL_BOUNDS.subject) || '(no subject)',
    text: bounded(plainText(effect.text), MAIL_BOUNDS.body),
    html: html === null || utf8Length(html) > MAIL_BOUNDS.body ? null : html,
    ...(effect.attachments && { attachments: effect.attachments }),
    messageId: messageIdOf(site, id),
    createdAt: Math.trunc(createdAt),
  };
}

function contentOf(input: OutcomeMailInput): MailContent {
  const name = oneLine(input.handler.name, NAME_LENGTH) || `handler ${input.handler.id}`;
  const rest = {
    facts: factsOf(input, name),
    link: linkTo(input.site, input.executionId),
    footer: `Sent by Hookwright ${input.site.version}`,
  };
  const { outcome } = input;
  if (outcome.kind === 'succeeded') {
    return { headline: `${name} succeeded`, tone: 'success', sections: [resultSection(outcome.output)], ...rest };
  }
  const sections = failureSections(outcome, input.source);
  return { headline: `${name} failed: ${outcome.error.reason}`, tone: 'failure', sections, ...rest };
}

function resultSection(output: string): MailSection {
  const whole = returnedText(output);
  const body = cutBytes(whole, MAIL_BOUNDS.result);
  return { title: '', body, note: body === whole ? null : 'Cut here; the execution has the whole result.' };
}

/** A string as it is, nothing for null, any other JSON with line breaks. */
function returnedText(output: string): string {
  const json = output.trim();
  if (json === 'null' || json === '') return '(the handler returned nothing)';
  if (!json.startsWith('"')) return plainText(prettyJson(json, MAIL_BOUNDS.result));
  try {
    const text = plainText(String(JSON.parse(json)));
    return text === '' ? '(the handler returned an empty text)' : text;
  } catch {
    return plainText(json); // not JSON after all: people still get what there is
  }
}

function failureSections({ error, logs }: Extract<Outcome, { kind: 'failed' }>, source: string | null): MailSection[] {
  const message = bounded(plainText(error.message), MAIL_BOUNDS.message) || '(no message)';
  const sections: MailSection[] = [{ title: placeOf(error.line, error.column), body: message, note: null }];
  const marked = source === null || error.line === null ? null : markSource(source, error.line, error.column);
  if (marked !== null) sections.push({ title: 'Source', body: plainText(marked), note: null });
  if (logs.length > 0) sections.push(logSection(logs));
  return sections;
}

function placeOf(line: number | null, column: number | null): string {
  if (line === null) return 'Exception';
  return column === null ? `Exception at line ${line}` : `Exception at line ${line}, column ${column}`;
}

/** The last lines that fit, oldest first. */
function logSection(logs: readonly LogLine[]): MailSection {
  const lines: string[] = [];
  let bytes = 0;
  for (const log of logs.slice(-MAIL_BOUNDS.logLines).reverse()) {
    const line = `${instant(log.at)} ${log.level.padEnd(5)} ${oneLine(log.message, LOG_LINE_LENGTH)}`;
    bytes += utf8Length(line) + 1;
    if (bytes > MAIL_BOUNDS.logs) break;
    lines.unshift(line);
  }
  const left = logs.length - lines.length;
  const note = left === 0 ? null : `${left} earlier ${left === 1 ? 'line' : 'lines'} left out; the execution has them.`;
  return { title: 'Last log lines', body: lines.join('\n'), note };
}

function factsOf(input: OutcomeMailInput, name: string): MailContent['facts'] {
  const { startedAt, finishedAt } = input.outcome;
  const facts: [string, string][] = [
    ['Handler', `${name} (id ${input.handler.id}, version ${input.handler.version})`],
    ['Hook', oneLine(input.hook, ID_LENGTH)],
    ['Execution', oneLine(input.executionId, ID_LENGTH)],
    ['Attempts', `${input.attempts} of ${input.maxAttempts}`],
    ['Started', instant(startedAt)],
    ['Finished', `${instant(finishedAt)} (${Math.max(0, Math.round(finishedAt - startedAt))} ms)`],
  ];
  if (input.eventId !== null) facts.splice(2, 0, ['Event', oneLine(input.eventId, ID_LENGTH)]);
  return facts;
}

/** Null rather than an address that is no web address, or one too long to follow. */
function linkTo(site: MailSite, executionId: string): string | null {
  const base = site.publicUrl.replace(/\/+$/, '');
  const segment = encodeURIComponent(executionId.toWellFormed()).replaceAll("'", '%27');
  const link = `${base}/executions/${segment}`;
  return /^https?:\/\/[^\s"'<>]+$/i.test(link) && link.length <= MAX_LINK ? link : null;
}

/** A success mail begins with the returned text itself; whoever reads mails by machine finds it before the line of dashes. */
function renderText({ headline, tone, sections, facts, link, footer }: MailContent): string {
  const width = Math.max(...facts.map(([label]) => label.length));
  const blocks = tone === 'failure' ? [headline] : [];
  for (const { title, body, note } of sections) blocks.push([title, body, note === null ? '' : `(${note})`].filter(Boolean).join('\n'));
  blocks.push('----', facts.map(([label, value]) => `${label.padEnd(width)}  ${value}`).join('\n'));
  if (link !== null) blocks.push(link);
  blocks.push(footer);
  return `${blocks.join('\n\n')}\n`;
}

function bounded(text: string, maxBytes: number): string {
  const head = cutBytes(text, maxBytes);
  return head === text ? text : `${cutBytes(text, maxBytes - utf8Length('…'))}…`;
}
