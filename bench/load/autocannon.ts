/** One run of autocannon in a process of its own, which reports and waits to be ended. */
import autocannon from 'autocannon';
import type { LoadRequest, LoadResult } from './load.ts';

process.on('message', async ({ url, body, connections, seconds }: LoadRequest) => {
  const headers = { 'Content-Type': 'application/json' };
  const result = await autocannon({ url, connections, duration: seconds, method: 'POST', headers, body });
  const reply: LoadResult = {
    requests: result['2xx'] + result.non2xx,
    failed: result.non2xx + result.errors,
    seconds: result.duration,
    p99Ms: result.latency.p99,
  };
  process.send?.(reply);
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
