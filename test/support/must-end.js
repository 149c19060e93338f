/**
 * A reporter for runs that do not end: after the last test a process may close what is still open, for as long as a server takes to stop. What
 * keeps it alive longer was left open by a test, often one that failed half way, and is named before the run ends as failed.
 */
const CLOSES_WITHIN_MS = 30_000;

export default class MustEnd {
  onRunComplete() {
    setTimeout(() => {
      process.stderr.write(`\nThe tests have ended, but this is still open: ${process.getActiveResourcesInfo().join(', ')}\n`);
      process.exit(1);
    }, CLOSES_WITHIN_MS).unref();
    // Nothing is open any more. Without this Node cleans up, and was seen (26.10) to wait there for ever for a socket that was shut and not closed.
    process.once('beforeExit', () => process.exit());
  }
}
