import { cutBytes } from './mail-text.ts';

/** What a mail about an execution says; both the text and the HTML part are made from it. All members are plain text. */
export interface MailContent {
  headline: string;
  tone: 'success' | 'failure';
  sections: readonly MailSection[];
  facts: readonly (readonly [label: string, value: string])[];
  /** An http or https address, or null. */
  link: string | null;
  footer: string;
}
export interface MailSection {
  title: string;
  body: string;
  /** Says what was left out. */
  note: string | null;
}

/** Escaping makes a character at most six times as long, and large mails are clipped by readers anyway: the text part has it all. */
const SECTION_BYTES = 32_768;
const CUT_NOTE = 'Cut here; the plain text part of this mail has more.';

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Safe as an element's text and inside a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES[char] ?? '');
}

const FONT = 'font-family:-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;font-size:14px;line-height:1.5';
const WRAP = 'overflow-wrap:anywhere;word-break:break-word';
const PRE = `margin:0;white-space:pre-wrap;${WRAP};font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;line-height:1.45`;
const RULE = { success: '#2e9e5b', failure: '#d64545' } as const;

/**
 * One table, no images, no style sheet, nothing loaded from anywhere. No text or background colour is set, so that light and dark readers
 * both show their own; `dir="auto"` keeps text of either direction within its cell.
 */
export function renderHtml(content: MailContent): string {
  const rows = [...content.sections.map(sectionRow), factsRow(content), linkRow(content.link), footerRow(content.footer)].join('\n');
  return `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"></head>
<body style="margin:0;padding:16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:720px;table-layout:fixed;${FONT}">
<tr><td dir="auto" style="padding:0 0 12px 12px;border-left:4px solid ${RULE[content.tone]};font-size:17px;${WRAP}">${escapeHtml(content.headline)}</td></tr>
${rows}
</table>
</body>
</html>
`;
}

function sectionRow(section: MailSection): string {
  const shown = cutBytes(section.body, SECTION_BYTES);
  const note = shown === section.body ? section.note : CUT_NOTE;
  const title = section.title === '' ? '' : `<div style="font-weight:600">${escapeHtml(section.title)}</div>`;
  const foot = note === null ? '' : `<div style="font-style:italic">${escapeHtml(note)}</div>`;
  return `<tr><td style="padding:12px 0 0">${title}<pre dir="auto" style="${PRE}">${escapeHtml(shown)}</pre>${foot}</td></tr>`;
}

function factsRow({ facts }: MailContent): string {
  const cell = `padding:2px 0;vertical-align:top;${WRAP}`;
  const rows = facts.map(
    ([label, value]) =>
      `<tr><td width="110" style="${cell}">${escapeHtml(label)}</td><td dir="auto" style="${cell}">${escapeHtml(value)}</td></tr>`,
  );
  return `<tr><td style="padding:16px 0 0"><table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="table-layout:fixed;border-top:1px solid #888;${FONT}">
${rows.join('\n')}
</table></td></tr>`;
}

function linkRow(link: string | null): string {
  if (link === null) return '';
  return `<tr><td style="padding:12px 0 0;${WRAP}"><a href="${escapeHtml(link)}">Open the execution</a></td></tr>`;
}

function footerRow(footer: string): string {
  return `<tr><td style="padding:16px 0 0;font-size:12px">${escapeHtml(footer)}</td></tr>`;
}
