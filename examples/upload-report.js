/**
 * Reports an upload of COMTRADE files. Times are nanoseconds since 1970: they are beyond 2^53, so they arrive as BigInt and lose nothing.
 * The returned text is the success mail.
 */
export default function (upload) {
  const lines = upload.DataSets.map(({ Name, Success, Error: message, Streams }) => {
    if (!Success) return `FAILED  ${Name}: ${message}`;
    const streams = Streams ?? [];
    if (streams.length === 0) return `ok      ${Name}: no streams`;
    const [start] = sorted(streams.map(({ StartNs }) => StartNs));
    const end = sorted(streams.map(({ EndNs }) => EndNs)).at(-1);
    return `ok      ${Name}: ${streams.length} streams, ${instant(start)} to ${instant(end)}, ${end - start} ns`;
  });
  const failed = upload.DataSets.filter(({ Success }) => !Success).length;
  return [`${upload.File}: ${upload.DataSets.length} data sets, ${failed} failed`, ...lines].join('\n');
}

const sorted = (times) => times.map(BigInt).sort((a, b) => (a < b ? -1 : 1));
const instant = (ns) => Temporal.Instant.fromEpochNanoseconds(ns).toString();
