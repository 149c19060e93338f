/** A file that goes with a mail: always given whole, never as a place to fetch it from. */
export interface Attachment {
  filename: string;
  contentType: string;
  /** How `content` says the bytes: as text in UTF-8, or in base64. */
  encoding: 'utf8' | 'base64';
  content: string;
}

export const ATTACHMENT_BOUNDS = { count: 10, filename: 100, contentType: 100, bytes: 1_048_576 } as const;

/** A name for one file in any folder of any system: no path, nothing that hides what it is or that a header could not carry. */
const FILENAME = /^[^\p{C}\p{Zl}\p{Zp}/\\:*?"<>|]+$/u;
const CONTENT_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]*\/[a-z0-9][a-z0-9!#$&^_.+-]*$/i;
/** These are not files but parts of a message, which would bring headers and parts of their own. */
const STRUCTURAL = /^(multipart|message)\//i;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** What is wrong with the attachments of a mail, in words for whoever wrote them; null when they can go. They may be of any shape. */
export function attachmentFault(attachments: readonly Attachment[]): string | null {
  if (!Array.isArray(attachments)) return 'attachments are a list';
  if (attachments.length > ATTACHMENT_BOUNDS.count) return `a mail has at most ${ATTACHMENT_BOUNDS.count} attachments`;
  for (const [index, attachment] of attachments.entries()) {
    const fault = faultOf(attachment);
    if (fault !== null) return `attachment ${index + 1}: ${fault}`;
  }
  const bytes = attachments.reduce((sum, { content }) => sum + content.length, 0);
  return bytes > ATTACHMENT_BOUNDS.bytes ? `the attachments of a mail have at most ${ATTACHMENT_BOUNDS.bytes} characters together` : null;
}

function faultOf({ filename, contentType, encoding, content }: Attachment): string | null {
  if (
    typeof filename !== 'string' ||
    !FILENAME.test(filename) ||
    filename.length > ATTACHMENT_BOUNDS.filename ||
    /^[. ]|[. ]$/.test(filename)
  )
    return `"filename" is a plain file name of at most ${ATTACHMENT_BOUNDS.filename} characters, without a path`;
  if (typeof contentType !== 'string' || !CONTENT_TYPE.test(contentType) || contentType.length > ATTACHMENT_BOUNDS.contentType)
    return '"content_type" is a type such as text/csv or image/png, without parameters';
  if (STRUCTURAL.test(contentType)) return `"content_type" ${contentType} is no type of a file`;
  if (typeof content !== 'string' || (encoding !== 'utf8' && encoding !== 'base64')) return 'needs "content", a text, or "base64"';
  if (encoding === 'base64' && (content.length % 4 !== 0 || !BASE64.test(content))) return '"base64" is not base64 with its padding';
  return null;
}

/** How many bytes the file has. */
export function attachmentBytes({ encoding, content }: Attachment): number {
  if (encoding === 'utf8') return new TextEncoder().encode(content).length;
  return (content.length / 4) * 3 - (content.endsWith('==') ? 2 : content.endsWith('=') ? 1 : 0);
}
