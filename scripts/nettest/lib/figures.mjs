// From the runs of a scenario to the table: medians, 95th percentiles and verdicts. Pure.

/** The value at or below which `share` of the values lie (nearest rank). */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** The bad end of the values: the 95th percentile where less is better, the 5th where more is. */
export function bad(check, values) {
  return check.max !== undefined ? percentile(values, 0.95) : percentile(values, 0.05);
}

/** A run that failed or has no such figure counts as the worst. */
export function valuesOf(check, runs) {
  const worst = check.min === undefined ? Infinity : -Infinity;
  return runs.map((r) => (Number.isFinite(r.figures?.[check.figure]) ? r.figures[check.figure] : worst));
}

export function judge(check, runs) {
  const values = valuesOf(check, runs);
  if (values.length === 0) return { median: NaN, bad: NaN, met: false };
  if (check.max === undefined && check.min === undefined) return { median: percentile(values, 0.5), bad: percentile(values, 0.95), met: true };
  const far = bad(check, values);
  return { median: percentile(values, 0.5), bad: far, met: check.max !== undefined ? far <= check.max : far >= check.min };
}

const unit = { ms: (v) => `${v.toFixed(0)} ms`, s: (v) => `${v.toFixed(1)} s`, '%': (v) => `${v.toFixed(1)} %`, '': (v) => `${Number(v.toFixed(1))}` };
export const shown = (v, u) => (Number.isFinite(v) ? (unit[u] ?? ((n) => `${n.toFixed(1)} ${u}`))(v) : '–');
export const aim = (check) => (check.max === undefined && check.min === undefined ? 'told' : check.max !== undefined ? `≤ ${shown(check.max, check.unit)}` : `≥ ${shown(check.min, check.unit)}`);

/** Rows of the table for one scenario. */
export function rows(scenario, runs) {
  return scenario.checks.map((check) => {
    const { median, bad: far, met } = judge(check, runs);
    return {
      scenario: scenario.name, check: check.what, aim: aim(check), median: shown(median, check.unit), p95: shown(far, check.unit),
      runs: runs.length, met, verdict: aim(check) === 'told' ? '' : met ? 'pass' : 'MISS',
    };
  });
}

/** A table in Markdown, aligned for people who read it in a terminal. */
export function table(all) {
  const head = ['scenario', 'figure', 'aim', 'median', 'p95', 'runs', 'verdict'];
  const cells = [head, ...all.map((r) => [r.scenario, r.check, r.aim, r.median, r.p95, String(r.runs), r.verdict])];
  const widths = head.map((_, i) => Math.max(...cells.map((c) => c[i].length)));
  const line = (c) => `| ${c.map((v, i) => v.padEnd(widths[i])).join(' | ')} |`;
  return [line(head), `|${widths.map((w) => '-'.repeat(w + 2)).join('|')}|`, ...cells.slice(1).map(line)].join('\n');
}
