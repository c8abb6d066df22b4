// Writes incamera.json, the dashboard, from panels.mjs.
//
//   node configs/grafana/build.mjs           write it
//   node configs/grafana/build.mjs --check   fail when the committed file differs
import { readFileSync, writeFileSync } from 'node:fs';
import { rows } from './panels.mjs';

const file = new URL('./incamera.json', import.meta.url);
const selector = 'job=~"$job", instance=~"$instance"';
const datasource = { type: 'prometheus', uid: '${datasource}' };
const width = { stat: 8, timeseries: 8, table: 8 };
const height = { stat: 4, timeseries: 8, table: 8 };

function target([expr, legend], index, type) {
  const table = type === 'table';
  return {
    datasource, expr: expr.replaceAll('$sel', selector), legendFormat: legend,
    refId: String.fromCharCode(65 + index), range: !table && type !== 'stat', instant: table || type === 'stat', ...(table && { format: 'table' }),
  };
}

function panel(p, id, x, y) {
  const type = p.type ?? 'timeseries';
  const options = {
    timeseries: { legend: { displayMode: 'list', placement: 'bottom', showLegend: true }, tooltip: { mode: 'multi', sort: 'desc' } },
    stat: { colorMode: 'none', graphMode: 'none', reduceOptions: { calcs: ['lastNotNull'], values: false } },
    table: { showHeader: true },
  }[type];
  return {
    id, type, title: p.title, description: p.text, datasource,
    gridPos: { x, y, w: width[type], h: height[type] },
    fieldConfig: {
      defaults: { unit: p.unit, min: 0, ...(p.max !== undefined && { max: p.max }), ...(type === 'timeseries' && { custom: { fillOpacity: 8, lineWidth: 1, showPoints: 'never' } }) },
      overrides: [],
    },
    options,
    ...(type === 'table' && { transformations: [{ id: 'organize', options: { excludeByName: { Time: true, Value: true } } }] }),
    ...(p.empty && { incamera: { emptyWhenHealthy: p.empty } }),
    targets: p.queries.map((q, i) => target(q, i, type)),
  };
}

function layout() {
  const panels = [];
  let y = 0;
  for (const row of rows) {
    panels.push({ id: panels.length + 1, type: 'row', title: row.title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] });
    y++;
    let x = 0, line = 0;
    for (const p of row.panels) {
      const made = panel(p, panels.length + 1, x, y);
      if (x + made.gridPos.w > 24) {
        y += line;
        Object.assign(made.gridPos, { x: 0, y });
        x = line = 0;
      }
      panels.push(made);
      x += made.gridPos.w;
      line = Math.max(line, made.gridPos.h);
    }
    y += line;
  }
  return panels;
}

const variable = (name, label, metric) => ({
  name, label, type: 'query', datasource, query: { query: `label_values(${metric}, ${name})`, refId: name }, definition: `label_values(${metric}, ${name})`,
  includeAll: true, allValue: '.*', multi: true, refresh: 2, sort: 1, current: { text: 'All', value: '$__all' },
});

const dashboard = {
  uid: 'incamera', title: 'InCamera', tags: ['incamera'], schemaVersion: 39, version: 1, editable: true, graphTooltip: 1,
  description: 'Meetings, media and processes of one InCamera deployment. Needs the recording rules of configs/prometheus/rules.yml.',
  time: { from: 'now-1h', to: 'now' }, refresh: '10s', timezone: 'browser', annotations: { list: [] },
  templating: {
    list: [
      { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', refresh: 1, current: {} },
      variable('job', 'Job', 'incamera_build_info'),
      variable('instance', 'Process', 'incamera_build_info{job=~"$job"}'),
    ],
  },
  panels: layout(),
};

const text = JSON.stringify(dashboard, null, 2) + '\n';
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('grafana: incamera.json differs from panels.mjs; run node configs/grafana/build.mjs');
    process.exit(1);
  }
} else {
  writeFileSync(file, text);
}
