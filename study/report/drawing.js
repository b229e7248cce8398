// How a chart is drawn, with dygraphs.

const kTopMargin = 18;  // Pixels that the bands' names need.

/// [lowest, highest] value to show: from zero up, unless the chart floats.
function rangeOf(chart, log) {
  if (chart.range) return chart.range;
  const all = chart.series.flatMap((series) => series.values)
    .filter((value) => value !== null && (!log || value > 0));
  let low = all.reduce((a, b) => Math.min(a, b), chart.float ? Infinity : 0);
  let high = all.reduce((a, b) => Math.max(a, b), -Infinity);
  if (log) {
    if (all.length === 0) return [0.1, 1];
    low = all.reduce((a, b) => Math.min(a, b), Infinity);
    return [low / 1.5, high * Math.pow(high / low, 0.12) * 1.2];
  }
  // What is as good as constant is not to look like a jump.
  const least = chart.float ? 0.02 * Math.abs(high) || 1 : 0;
  if (high - low <= least) {
    low -= least;
    high += least || 1;
  }
  const plot = (chart.height || 170) - 24;
  const margin = (high - low) * 0.04;
  return [chart.float || low < 0 ? low - margin : low,
          high + margin + ((high - low) * kTopMargin) / (plot - kTopMargin)];
}

/// Whether a linear axis would squeeze the last series (the deadline, of latencies) to the bottom.
function startsAsLog(chart) {
  if (!chart.canBeLog) return false;
  const values = chart.series[chart.series.length - 1].values.filter((value) => value !== null);
  const median = values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  return median > 0 && rangeOf(chart, false)[1] > 12 * median;
}

function tickerOf(chart) {
  if (chart.names) {
    // Dygraphs takes labels as HTML.
    return () => chart.names.map((name, v) => ({v, label: escapeHtml(name)}));
  }
  const levels = chart.levels
    ? [...new Set(chart.series.flatMap((series) => series.values))].filter((v) => v !== null) : [];
  if (levels.length > 0 && levels.length <= 8) {
    return () => levels.map((v) => ({v, label: formatNumber(v)}));
  }
  return Dygraph.numericTicks;
}

function swatch(series) {
  const shape = series.points
    ? `<circle cx="11" cy="3" r="3" fill="${series.color}"/>`
    : `<line x1="0" y1="3" x2="22" y2="3" stroke="${series.color}" stroke-width="2.5"/>`;
  return `<svg width="22" height="6">${shape}</svg>`;
}

/// The line above a chart: its series, with their values where the pointer is.
function legendOf(chart, describeX, data) {
  const valueOf = (index) => {
    const value = data.series[index] && data.series[index].y;
    const series = chart.series[index];
    if (value === undefined || value === null || Number.isNaN(value)) return '';
    if (series.format) return ' ' + series.format(value);
    if (chart.names) return ' ' + escapeHtml(chart.names[value]);
    return ` <b>${formatNumber(value)}</b>` + (chart.unit ? ' ' + chart.unit : '');
  };
  const entries = chart.series.map(
    (series, index) =>
      `<span>${swatch(series)}${escapeHtml(series.label)}${valueOf(index)}</span>`);
  const at = data.x === undefined ? '' : `<span>${escapeHtml(describeX(data.x))}</span>`;
  return at + entries.join('');
}

/// Draws `chart` into `parent`. `xs`: where its values begin, and where the last one ends.
function drawChart(parent, chart, xs, bands, describeX, describeTick) {
  const box = element('div', 'chart');
  const head = element('div', 'chart-head');
  const title = element('h3', '', chart.title + ' ');
  if (chart.unit) title.append(element('span', '', '(' + chart.unit + ')'));
  const legend = element('div', 'legend');
  const plot = element('div', 'plot');
  plot.style.height = (chart.height || 170) + 'px';
  head.append(title);
  box.append(head, plot);
  parent.append(box);

  const last = xs.length - 2;
  const rows = xs.map((x, index) => [
    x, ...chart.series.map((series) => series.values[Math.min(index, last)] ?? null)]);
  const labels = ['x', ...chart.series.map((_, index) => 'series ' + index)];
  const options = {};
  chart.series.forEach((series, index) => {
    options[labels[index + 1]] = {
      color: series.color,
      stepPlot: Boolean(series.step || chart.step),
      strokeWidth: series.points ? 0 : series.strokeWidth || 1.4,
      drawPoints: Boolean(series.points),
      pointSize: series.points ? 3 : 1.5,
      fillGraph: Boolean(series.fill),
    };
  });
  let log = startsAsLog(chart);
  const graph = new Dygraph(plot, rows, {
    labels, series: options, labelsDiv: legend, legend: 'always',
    legendFormatter: (data) => legendOf(chart, describeX, data),
    logscale: log, valueRange: rangeOf(chart, log), fillAlpha: 0.18, highlightCircleSize: 3.5,
    rightGap: 8,
    underlayCallback: (canvas, area, g) => drawBands(bands, canvas, area, g),
    gridLineColor: 'rgba(0, 0, 0, 0.09)', axisLineColor: '#9aa4b1',
    axes: {
      x: {axisLabelFormatter: describeTick, axisLabelWidth: 70, pixelsPerLabel: 80},
      y: {ticker: tickerOf(chart), axisLabelFormatter: formatNumber, axisLabelWidth: 62,
          pixelsPerLabel: 28},
    },
    interactionModel: {...Dygraph.defaultInteractionModel, dblclick: () => graph.showAll()},
  });
  graph.fullRange = () => rangeOf(chart, log);

  if (chart.canBeLog) {
    const label = element('label');
    const box = element('input');
    box.type = 'checkbox';
    box.checked = log;
    box.addEventListener('change', () => {
      log = box.checked;
      graph.updateOptions({logscale: log, valueRange: graph.fullRange()});
    });
    label.append(box, ' logarithmic');
    head.append(label);
  }
  head.append(legend);
  return graph;
}

/// Lets the charts zoom, and show values, as one. Returns them.
function joinCharts(graphs) {
  for (const graph of graphs) {
    graph.showAll = () => graphs.forEach(
      (g) => g.updateOptions({dateWindow: null, valueRange: g.fullRange()}));
  }
  if (graphs.length > 1) Dygraph.synchronize(graphs, {range: false});
  return graphs;
}
