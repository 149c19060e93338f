import { cpus } from 'node:os';
import { type Figure, isMet, type Measured } from './figure.ts';
import { LOAD_TOOL } from './load/load.ts';

const HEADINGS = ['', 'subject', 'baseline', 'ratio', 'target', ''];

export function table(figures: readonly Figure[]): string {
  const rows = [HEADINGS, ...figures.map(cells)];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd : cell.padStart).call(cell, widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const DISTURBED_CORES = 0.2;

/** What a reader must know to judge the figures: those that need two cores or the disk lose more than their baselines to other work. */
export function circumstances(figures: readonly Measured[]): string {
  if (figures.length === 0) return '';
  const waits = figures.map(({ fdatasyncMs }) => fdatasyncMs);
  const load = Math.max(...figures.map(({ otherLoad }) => otherLoad ?? 0));
  const disk = `An fdatasync took ${number(Math.min(...waits))} to ${number(Math.max(...waits))} ms.`;
  return load < DISTURBED_CORES ? `${disk}\n` : `${disk} Other programs took up to ${load.toFixed(1)} of ${cpus().length} cores.\n`;
}

function cells(figure: Figure): string[] {
  const { name, unit, subject, baseline, ratio, target } = figure;
  const met = isMet(figure);
  return [
    name,
    `${number(subject)} ${unit}`,
    baseline === null ? '' : `${number(baseline)} ${unit}`,
    ratio === null ? '' : ratio.toFixed(2),
    target === null
      ? ''
      : `${target.least === undefined ? '≤' : '≥'} ${number(target.least ?? target.most ?? 0)}${target.of === 'subject' ? ` ${unit}` : ''}`,
    met === null ? '' : met ? 'met' : 'missed',
  ];
}

function number(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en-US');
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

export function json(figures: readonly Measured[], run: { size: string; store: string; seconds: number }): string {
  const [cpu] = cpus();
  const machine = {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  };
  const measured = figures.map((figure) => ({ ...figure, met: isMet(figure) }));
  return `${JSON.stringify({ at: new Date().toISOString(), ...run, machine, loadTool: LOAD_TOOL, figures: measured }, null, 2)}\n`;
}
