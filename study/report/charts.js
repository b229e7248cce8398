// Which charts a run has, and what is in them.

const kColors = ['#0072b2', '#d55e00', '#009e73', '#aa3377', '#b58900', '#5e4fa2', '#666666'];
const kLimitColor = '#c1121f';

/// Series of `base`, one for each application, domain or zone that has values.
function seriesOf(run, base, label, options = {}) {
  const manyApplications = namesOf(run, 'width').length > 1;
  return namesOf(run, base).map((name, _, all) => ({
    label: [label, all.length > 1 || manyApplications || !label ? name : '']
      .filter(Boolean).join(' '),
    values: columnOf(run, base, name).map(
      (value) => (value === null ? null : value * (options.factor || 1))),
    ...options,
  }));
}

function estimatedNote(run, signal) {
  return run.estimated.includes(signal) ? ', estimated' : '';
}

/// A chart: {title, unit, series, and perhaps height, step, levels, names, canBeLog}. A chart
/// without series is left out; `needs` then says which columns it wants.
function chartsOf(run) {
  const applications = namesOf(run, 'latency_p50_ms');
  const many = applications.length > 1;
  const limit = {color: kLimitColor, step: true};
  const only = (base, name, label, options = {}) => ({
    label, values: columnOf(run, base, name), ...options,
  });
  const charts = [];

  for (const name of applications.length ? applications : ['']) {
    charts.push({
      title: 'Latency' + (many ? ' of ' + name : ''), unit: 'ms', height: 230, canBeLog: true,
      needs: 'latency_p50_ms',
      series: [
        only('latency_max_ms', name, 'max', {color: '#b8a1c9'}),
        only('latency_p95_ms', name, 'p95', {color: '#d55e00'}),
        only('latency_p50_ms', name, 'p50', {color: '#0072b2'}),
        only('deadline_ms', name, 'deadline', limit),
      ],
    });
  }
  charts.push(
    {title: 'Width', unit: '', step: true, levels: true, height: 140, needs: 'width',
     series: seriesOf(run, 'width', 'width')},
    placeChart(run),
    {title: 'CPU bandwidth', unit: 'CPUs', step: true, levels: true, height: 140,
     needs: 'bandwidth', series: seriesOf(run, 'bandwidth', 'bandwidth')},
    ...quantityCharts(run, (column) => column === 'frequency_mhz'),
    {title: 'Misses per period', unit: 'requests', step: true, height: 140,
     needs: 'late and dropped',
     series: [...seriesOf(run, 'late', 'late', {color: many ? undefined : '#d55e00', fill: true}),
              ...seriesOf(run, 'dropped', 'dropped',
                          {color: many ? undefined : '#7a1f1f', fill: true})]},
    {title: 'Accuracy of what was served', unit: '%', height: 140, float: true,
     needs: 'accuracy_top1',
     series: [...measuredAccuracy(run),
              ...seriesOf(run, 'accuracy_top1', 'of the levels',
                          {color: many ? undefined : '#007a59', factor: 100, step: true})]},
    {title: 'Power' + estimatedNote(run, 'power_w'), unit: 'W', needs: 'power_w',
     series: [...seriesOf(run, 'power_w', 'machine'), ...seriesOf(run, 'power_ours_w', 'ours'),
              ...seriesOf(run, 'power_limit_w', 'limit', limit)]});
  for (const name of namesOf(run, 'cpu_ours_share')) {
    charts.push({
      title: 'CPU time of ' + (name || 'the machine'), unit: '%', step: true, height: 130,
      range: [0, 122],
      series: [['ours', '#0072b2'], ['others', '#d55e00'], ['steal', '#666666']].map(
        ([who, color]) => ({
          label: who, color, fill: true,
          values: columnOf(run, 'cpu_' + who + '_share', name).map(
            (share) => (share === null ? null : share * 100)),
        })),
    });
  }
  charts.push(
    ...quantityCharts(run, (column) => column !== 'frequency_mhz'),
    {title: 'Reward and its terms', unit: '', float: true, needs: 'reward',
     series: [...rewardTerms(run), ...seriesOf(run, 'reward', 'reward',
                                               {color: '#1c2430', strokeWidth: 2})]},
    {title: 'Exploration', unit: '', height: 140, range: [0, 1.2], needs: 'exploration',
     series: [...seriesOf(run, 'exploration', 'epsilon', {step: true}), ...exploredPoints(run)]},
    {title: 'Time to decide and to learn', unit: 'µs', height: 140, canBeLog: true,
     needs: 'decision_us',
     series: [...seriesOf(run, 'decision_us', 'decide'),
              ...seriesOf(run, 'learning_us', 'learn')]});

  for (const chart of charts) {
    chart.series = chart.series.filter((series) => series.values.some((value) => value !== null));
    chart.series.forEach((series, index) => {
      series.color = series.color || kColors[index % kColors.length];
    });
  }
  return charts;
}

/// Of the quantities with a chart of their own. What cannot be below 0 is drawn from there, in
/// steps.
function quantityCharts(run, isWanted) {
  return run.charts.filter((chart) => isWanted(chart.column)).map((chart) => ({
    title: chart.title, unit: chart.unit, height: 140, step: chart.from_zero,
    float: !chart.from_zero, needs: chart.column, series: seriesOf(run, chart.column, ''),
  }));
}

/// A period's few images say little: their mean over a window.
function measuredAccuracy(run) {
  const times = run.columns.time_s || [];
  return namesOf(run, 'accuracy_measured').map((name, _, all) => ({
    label: `measured (${kWindowS} s mean)` + (all.length > 1 ? ' ' + name : ''),
    color: all.length > 1 ? undefined : '#7cc3a8',
    values: movingMean(run, [name], 'accuracy_measured', times),
  }));
}

function placeChart(run) {
  const applications = namesOf(run, 'mapping');
  const names = [...new Set(applications.flatMap((name) => columnOf(run, 'mapping', name)))]
    .filter(Boolean).sort();
  return {
    title: 'Place', unit: '', step: true, height: Math.max(110, 40 + 26 * names.length), names,
    range: [-0.5, names.length - 0.3], needs: 'mapping',
    series: applications.map((name) => ({
      label: applications.length > 1 ? name : 'place',
      color: applications.length > 1 ? undefined : kColors[5],
      values: columnOf(run, 'mapping', name).map((place) => (place ? names.indexOf(place) : null)),
    })),
  };
}

function rewardTerms(run) {
  return Object.keys(run.columns)
    .filter((column) => column.startsWith('reward_') && hasValues(run, column))
    .map((column) => ({label: column.slice('reward_'.length).replace(/_/g, ' '),
                       values: run.columns[column]}));
}

/// Points on the line of epsilon, where the agent did explore.
function exploredPoints(run) {
  const explored = run.columns.explored || [];
  const epsilon = run.columns.exploration || [];
  return [{
    label: 'explored', color: kColors[1], points: true, format: () => 'yes',
    values: explored.map((yes, row) => (yes ? epsilon[row] ?? 0 : null)),
  }];
}
