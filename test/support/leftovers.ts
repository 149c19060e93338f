import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What a process must not leave behind: child processes, threads, sockets, timers that keep it alive, open files. */
export interface Leftovers {
  children: string[];
  resources: Record<string, number>;
  files: string[];
}

/** Jest's own worker talks through these, and reads of standard input and output go on. */
const EXPECTED_RESOURCES = new Set(['PipeWrap', 'TTYWrap', 'FSReqPromise', 'FSReqCallback', 'CloseReq']);
/** Libraries and sources stay mapped or open as long as the process lives; what a server opens are databases and sockets. */
const WATCHED_FILE = /\.db(-wal|-shm)?$|server\.lock|\.eml$/;

/** Looks at this process as it is now. */
export function leftovers(): Leftovers {
  return { children: childrenOf(process.pid), resources: countResources(), files: openFiles() };
}

/** What is there now and was not there before, in words. */
export function more(before: Leftovers, now: Leftovers): string[] {
  const children = now.children.filter((child) => !before.children.includes(child)).map((child) => `child process ${child}`);
  const files = now.files.filter((file) => !before.files.includes(file)).map((file) => `open file ${file}`);
  const resources = Object.entries(now.resources).flatMap(([name, count]) => {
    const extra = count - (before.resources[name] ?? 0);
    return extra > 0 && !EXPECTED_RESOURCES.has(name) ? [`${extra} × ${name}`] : [];
  });
  return [...children, ...files, ...resources];
}

/** Threads show up as MessagePort, child processes as ProcessWrap, listening and open sockets as TCP…Wrap, timers as Timeout. */
function countResources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Also those that were forked by a thread, and those that ended but were not waited for. */
export function childrenOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readOr(`/proc/${pid}/task/${task}/children`, '').split(' '))
    .filter((child) => child.trim() !== '')
    .map((child) => `${child} ${readOr(`/proc/${child}/cmdline`, '(ended)').replaceAll('\0', ' ').trim()}`);
}

function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    const path = linkOr(`/proc/self/fd/${fd}`);
    return WATCHED_FILE.test(path) ? [path] : [];
  });
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

function linkOr(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
