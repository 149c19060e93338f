/** A mail server that takes every mail; with `silent`, one that takes connections and never says a word. Sends the number of its port. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { SMTPServer } from 'smtp-server';

const isSilent = process.argv[2] === 'silent';

function mailServer() {
  return new SMTPServer({
    logger: false,
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    onData(stream, _session, done) {
      stream.resume();
      stream.once('end', () => done());
    },
  }).listen(0, '127.0.0.1');
}

const server = isSilent ? createServer((socket) => void socket.on('error', () => {}).resume()).listen(0, '127.0.0.1') : mailServer();
await once(server, 'listening');
process.send?.((server.address() as AddressInfo).port);
