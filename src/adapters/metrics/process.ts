import { readdirSync } from 'node:fs';
import type { Registry, Sample } from './registry.ts';

const one = (value: number): Sample[] => [[[], value]];

/** What Prometheus' clients tell of every process, under the names that dashboards know. */
export function declareProcess(registry: Registry): void {
  const cpu = (): number => process.resourceUsage().userCPUTime + process.resourceUsage().systemCPUTime;
  registry.sampled('counter', 'process_cpu_seconds_total', 'Processor time of this process, its threads included.', [], () =>
    one(cpu() / 1e6),
  );
  registry.sampled('gauge', 'process_start_time_seconds', 'When this process started, since the epoch.', [], () =>
    one(performance.timeOrigin / 1_000),
  );
  registry.sampled('gauge', 'process_resident_memory_bytes', 'Memory of this process, without its runners.', [], () =>
    one(process.memoryUsage.rss()),
  );
  registry.sampled('gauge', 'process_open_fds', 'Open files and sockets; where the system tells.', [], openFiles);
  registry.sampled('gauge', 'nodejs_heap_size_used_bytes', 'Of the main thread.', [], () => one(process.memoryUsage().heapUsed));
  registry.sampled('gauge', 'nodejs_external_memory_bytes', 'Buffers of the main thread.', [], () => one(process.memoryUsage().external));
  registry.sampled('counter', 'nodejs_eventloop_active_seconds_total', 'How long the main thread was busy.', [], () =>
    one(performance.eventLoopUtilization().active / 1_000),
  );
  registry.sampled('counter', 'nodejs_eventloop_idle_seconds_total', 'How long the main thread waited for something to do.', [], () =>
    one(performance.eventLoopUtilization().idle / 1_000),
  );
  registry.sampled('gauge', 'nodejs_version_info', 'The version of Node.', ['version'], () => [[[process.version], 1]]);
}

function openFiles(): Sample[] {
  try {
    return one(readdirSync('/proc/self/fd').length);
  } catch {
    return [];
  }
}
