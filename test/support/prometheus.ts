/** A strict reader of Prometheus' text format 0.0.4: whatever a scraper might stumble over is an error. */
export interface Family {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/s;
const PAIR = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)/y;
const VALUE = /^(?:[+-]?Inf|NaN|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

export function parsePrometheus(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const families = new Map<string, Family>();
  const seen = new Set<string>();
  const lines = text.slice(0, -1).split('\n');
  let name = '';
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    const help = HELP.exec(line);
    if (help !== null) {
      name = help[1] as string;
      const type = TYPE.exec(lines[++i] ?? '');
      if (type?.[1] !== name) throw new Error(`HELP without its TYPE: ${line}`);
      if (families.has(name)) throw new Error(`${name} comes twice`);
      families.set(name, { help: help[2] as string, type: type[2] as Family['type'], samples: [] });
      continue;
    }
    const sample = SAMPLE.exec(line);
    if (sample === null || !VALUE.test(sample[3] as string)) throw new Error(`not a sample: ${line}`);
    const family = families.get(name);
    const suffixes = family?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
    if (family === undefined || !suffixes.some((suffix) => sample[1] === name + suffix))
      throw new Error(`a sample outside its family: ${line}`);
    if (family.type === 'counter' && name.startsWith('hookwright') && !name.endsWith('_total'))
      throw new Error(`a counter without _total: ${name}`);
    const labels = labelsOf(sample[2] ?? '');
    const key = `${sample[1]} ${JSON.stringify(Object.entries(labels).sort())}`;
    if (seen.has(key)) throw new Error(`twice: ${line}`);
    seen.add(key);
    family.samples.push({ name: sample[1] as string, labels, value: numberOf(sample[3] as string) });
  }
  for (const [own, family] of families) if (family.type === 'histogram') checkHistogram(own, family);
  return families;
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  PAIR.lastIndex = 0;
  for (let at = 0; at < text.length; at = PAIR.lastIndex) {
    const pair = PAIR.exec(text);
    if (pair === null || Object.hasOwn(labels, pair[1] as string)) throw new Error(`not labels: ${text}`);
    labels[pair[1] as string] = (pair[2] as string).replaceAll(/\\(.)/g, (_, mark: string) => (mark === 'n' ? '\n' : mark));
  }
  return labels;
}

function numberOf(text: string): number {
  return text.endsWith('Inf') ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text);
}

/** For each set of labels: bounds rise, counts do not fall, the last bound is +Inf and its count that of all. */
function checkHistogram(name: string, { samples }: Family): void {
  const groups = Map.groupBy(samples, ({ labels: { le: _, ...rest } }) => JSON.stringify(Object.entries(rest).sort()));
  for (const [labels, own] of groups) {
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map((sample) => numberOf((sample.labels['le'] as string).replace(/^\+/, '')));
    const isRising = (values: number[], least: number): boolean =>
      values.every((value, i) => i === 0 || value - (values[i - 1] as number) >= least);
    const total = own.find((sample) => sample.name === `${name}_count`)?.value;
    const isWhole = own.some((sample) => sample.name === `${name}_sum`) && total === buckets.at(-1)?.value;
    if (
      bounds.at(-1) !== Infinity ||
      !isRising(bounds.slice(0, -1), Number.MIN_VALUE) ||
      !isRising(
        buckets.map(({ value }) => value),
        0,
      ) ||
      !isWhole
    )
      throw new Error(`no histogram: ${name} ${labels}`);
  }
}

/** The value of one sample; undefined when it is not there. */
export function sampleOf(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number | undefined {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
  const wanted = JSON.stringify(Object.entries(labels).sort());
  return family?.samples.find((one) => one.name === name && JSON.stringify(Object.entries(one.labels).sort()) === wanted)?.value;
}
