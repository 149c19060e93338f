import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

/** A reply that refuses a command: its code and its text. */
export interface Refusal {
  code: number;
  text: string;
}
interface ReceivedMail {
  from: string;
  to: string[];
  raw: string;
}
/** How the mail server behaves; a command that no member speaks about is accepted. */
export interface Behaviour {
  connect?(): Refusal | null;
  /** Credentials that are needed and taken; no login is offered without it. */
  login?: { user: string; pass: string };
  sender?(address: string): Refusal | null;
  recipient?(address: string): Refusal | null;
  /** Asked when the content has arrived; the mail counts as received only when it is accepted. */
  content?(mail: ReceivedMail): Refusal | null | Promise<Refusal | null>;
  /** Largest mail that is announced. */
  size?: number;
  /** Whether STARTTLS is offered, with the self-signed certificate that smtp-server brings along. */
  startTls?: boolean;
}
export interface SmtpPeer extends AsyncDisposable {
  port: number;
  url: string;
  mails: ReceivedMail[];
  /** Connections so far, and the most that were open at once. */
  connections: { total: number; open: number; most: number };
  /** Commands that named a recipient, in order: one for every try. */
  tries: string[];
}

/** A real mail server on a free port of this machine. */
export async function smtpPeer(behaviour: Behaviour = {}): Promise<SmtpPeer> {
  const mails: ReceivedMail[] = [];
  const tries: string[] = [];
  const connections = { total: 0, open: 0, most: 0 };
  const server = new SMTPServer(optionsOf(behaviour, { mails, tries, connections }));
  server.on('error', () => {}); // clients that hang up are part of the tests
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  return {
    port,
    url: `smtp://127.0.0.1:${port}`,
    mails,
    connections,
    tries,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((settle) => server.close(settle));
    },
  };
}

type Record = Pick<SmtpPeer, 'mails' | 'tries' | 'connections'>;

function optionsOf(behaviour: Behaviour, { mails, tries, connections }: Record): SMTPServerOptions {
  const { login } = behaviour;
  return {
    banner: 'test peer',
    logger: false, // which also keeps it from warning of its built-in certificate
    authOptional: login === undefined,
    allowInsecureAuth: true,
    disabledCommands: [...(login === undefined ? ['AUTH'] : []), ...(behaviour.startTls ? [] : ['STARTTLS'])],
    ...(behaviour.size === undefined ? {} : { size: behaviour.size }),
    disableReverseLookup: true,
    closeTimeout: 100,
    onConnect(_session, done) {
      connections.total++;
      connections.open++;
      connections.most = Math.max(connections.most, connections.open);
      done(errorOf(behaviour.connect?.()));
    },
    onClose() {
      connections.open--;
    },
    onAuth(auth, _session, done) {
      if (login !== undefined && auth.username === login.user && auth.password === login.pass) done(null, { user: login.user });
      else done(errorOf({ code: 535, text: `5.7.8 no such login, got password ${auth.password}` }));
    },
    onMailFrom: ({ address }, _session, done) => done(errorOf(behaviour.sender?.(address))),
    onRcptTo({ address }, _session, done) {
      tries.push(address);
      done(errorOf(behaviour.recipient?.(address)));
    },
    onData(stream, { envelope }, done) {
      void buffer(stream).then(async (bytes) => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        const mail = { from, to: envelope.rcptTo.map(({ address }) => address), raw: bytes.toString('latin1') };
        const tooLarge = stream.sizeExceeded ? { code: 552, text: '5.3.4 message size exceeds the limit' } : null;
        const refusal = tooLarge ?? (await behaviour.content?.(mail));
        if (!refusal) mails.push(mail);
        done(errorOf(refusal));
      }, ignoreHangUp);
    },
  };
}

/** A client that is killed in the middle of a mail has sent none. */
function ignoreHangUp(): void {}

function errorOf(refusal: Refusal | null | undefined): Error | null {
  return refusal ? Object.assign(new Error(refusal.text), { responseCode: refusal.code }) : null;
}

/** Greylisting: the first `tries` tries for each recipient are put off. */
export function greylist(tries: number): (address: string) => Refusal | null {
  const seen = new Map<string, number>();
  return (address) => {
    const count = (seen.get(address) ?? 0) + 1;
    seen.set(address, count);
    return count <= tries ? { code: 451, text: '4.7.1 greylisted, try again later' } : null;
  };
}

export interface RudePeer extends AsyncDisposable {
  port: number;
  url: string;
  connections: { total: number; open: number; most: number };
  /** Contents that arrived whole, whatever became of them. */
  contents: string[];
}

/** A server below the level of SMTP: `serve` does to the socket what it likes. */
export async function rudePeer(serve: (socket: Socket, peer: RudePeer) => void): Promise<RudePeer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    peer.connections.total++;
    peer.connections.open++;
    peer.connections.most = Math.max(peer.connections.most, peer.connections.open);
    socket.on('error', () => {});
    socket.once('close', () => {
      sockets.delete(socket);
      peer.connections.open--;
    });
    serve(socket, peer);
  });
  const port = await listen(server);
  const peer: RudePeer = {
    port,
    url: `smtp://127.0.0.1:${port}`,
    connections: { total: 0, open: 0, most: 0 },
    contents: [],
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((settle) => server.close(settle));
    },
  };
  return peer;
}

/** Takes the connection and says nothing. */
export function silence(socket: Socket): void {
  socket.resume();
}

/** Says its greeting one byte at a time and never to the end. */
export function slowBanner(everyMs: number): (socket: Socket) => void {
  return (socket) => {
    let sent = 0;
    const timer = setInterval(() => socket.write('220-slow '[sent++ % 9] as string), everyMs);
    socket.once('close', () => clearInterval(timer));
    socket.resume();
  };
}

/** Speaks SMTP line by line as `answer` says (the greeting is asked for by an empty line): null is silence, "close" hangs up, undefined is the usual reply. */
export function scripted(answer: (line: string) => string | null | undefined): (socket: Socket, peer: RudePeer) => void {
  return (socket, peer) => {
    let rest = '';
    let content: string[] | null = null;
    socket.setEncoding('latin1');
    say(socket, answer('') ?? '220 rude peer');
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (content !== null && line !== '.') {
          content.push(line);
          continue;
        }
        if (content !== null) peer.contents.push(content.join('\r\n'));
        content = null;
        const reply = answer(line);
        if (reply === undefined && line === 'DATA') content = [];
        say(socket, reply === undefined ? usual(line) : reply);
      }
    });
  };
}

function say(socket: Socket, reply: string | null): void {
  if (reply === 'close') socket.destroy();
  else if (reply !== null) socket.write(`${reply}\r\n`);
}

function usual(line: string): string {
  if (line === 'DATA') return '354 go on';
  return line.startsWith('QUIT') ? '221 bye' : '250 fine';
}

/** A port of this machine at which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((settle) => server.close(settle));
  return port;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
