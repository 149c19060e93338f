/** What SMTP_URL says. */
export interface SmtpTarget {
  host: string;
  port: number;
  /** TLS from the first byte (smtps). */
  secure: boolean;
  /** STARTTLS: needed, used when offered, or never. */
  startTls: 'required' | 'offered' | 'never';
  auth: { user: string; pass: string } | null;
  /** False when any certificate is taken, such as a relay's self-signed one. */
  verifyCertificate: boolean;
  /** What this machine calls itself in EHLO; null for its host name. */
  ehloName: string | null;
}

const FORM = 'SMTP_URL must look like smtp://user:password@host:587 or smtps://user:password@host:465';
const START_TLS = { required: 'required', offered: 'offered', never: 'never' } as const;

/**
 * Reads SMTP_URL: `smtp://` or `smtps://`, with `starttls=required|offered|never`, `verify=no` and `name=` as its only options. A password
 * is sent over STARTTLS only, unless the host is this machine or the URL says otherwise. Throws an Error that never quotes the URL.
 */
export function parseSmtpUrl(text: string): SmtpTarget {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.hostname === '' || !/^smtps?:$/.test(url.protocol) || !/^\/?$/.test(url.pathname) || url.hash !== '') {
    throw new Error(FORM);
  }
  const options = optionsOf(url.searchParams);
  const secure = url.protocol === 'smtps:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const auth = authOf(url);
  const needsTls = auth !== null && !isThisMachine(host);
  return {
    host,
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    startTls: options.startTls ?? (needsTls ? 'required' : 'offered'),
    auth,
    verifyCertificate: options.verify,
    ehloName: options.name,
  };
}

/** The target without its credentials, for logs. */
export function describeTarget({ host, port, secure }: SmtpTarget): string {
  return `${secure ? 'smtps' : 'smtp'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function optionsOf(query: URLSearchParams): { startTls: SmtpTarget['startTls'] | null; verify: boolean; name: string | null } {
  for (const key of query.keys()) {
    if (!['starttls', 'verify', 'name'].includes(key)) throw new Error('SMTP_URL has an option other than starttls, verify and name');
  }
  const startTls = query.get('starttls');
  if (startTls !== null && !Object.hasOwn(START_TLS, startTls)) {
    throw new Error('SMTP_URL: starttls is required, offered or never');
  }
  const verify = query.get('verify') ?? 'yes';
  if (verify !== 'yes' && verify !== 'no') throw new Error('SMTP_URL: verify is yes or no');
  const name = query.get('name');
  if (name !== null && !/^[A-Za-z0-9.[\]:-]{1,255}$/.test(name)) throw new Error('SMTP_URL: name is a host name');
  return { startTls: startTls === null ? null : START_TLS[startTls as keyof typeof START_TLS], verify: verify === 'yes', name };
}

function authOf(url: URL): SmtpTarget['auth'] {
  if (url.username === '' && url.password === '') return null;
  try {
    return { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
  } catch {
    throw new Error('SMTP_URL: write % in the user or the password as %25');
  }
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
