/** Calls one function in a warm isolate for each event of a batch: one message in, one out. */
import ivm from 'isolated-vm';

const isolate = new ivm.Isolate({ memoryLimit: 64 });
const context = await isolate.createContext();
const handle = await context.eval(
  `const handler = (event) => event._id;
   (inputs) => JSON.stringify(JSON.parse(inputs).map((event) => {
     const startedAt = Date.now();
     const output = JSON.stringify(handler(event));
     return [startedAt, Date.now(), output];
   }))`,
  { reference: true },
);

process.on('message', async (inputs: string) => process.send?.(await handle.apply(undefined, [inputs])));
process.on('disconnect', () => process.exit());
process.send?.('ready');
