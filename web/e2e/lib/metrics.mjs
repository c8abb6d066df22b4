// Reads a process's metrics as Prometheus would.

/** The series of one metric: labels as they are written, without braces, to value. */
export async function series(admin, name) {
  const text = await (await fetch(`${admin}/metrics`)).text();
  const found = new Map();
  for (const line of text.split('\n')) {
    const m = line.match(/^([a-z_]+)(?:\{(.*)\})? (\S+)$/);
    if (m?.[1] === name) found.set(m[2] ?? '', Number(m[3]));
  }
  if (found.size === 0) throw new Error(`no ${name} in ${admin}/metrics`);
  return found;
}

/** One counter by the value of its label `reason` (or another), summed over the other labels. */
export async function by(admin, name, label = 'reason') {
  const sums = {};
  for (const [labels, value] of await series(admin, name)) {
    const key = labels.match(new RegExp(`(?:^|,)${label}="([^"]*)"`))?.[1] ?? '';
    sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}
