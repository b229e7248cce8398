// Draws a run's charts when it is first looked at, since a hidden chart has no width.

const kPaperWidth = 700;  // Pixels that fit on a page.

function drawRun(parent, run) {
  const periods = periodsOf(run);
  if (periods.length === 0) {
    const why = run.rows === 0 ? 'the trace has no rows' : 'the trace has no times (time_s)';
    parent.append(element('p', 'warning', `No charts: ${why}.`));
    return [];
  }
  const bands = bandsOf(run);
  const xs = [...periods.map((row) => run.columns.time_s[row]), endOf(run)];
  const charts = chartsOf(run);
  const drawn = charts.filter((chart) => chart.series.length > 0);
  for (const series of drawn.flatMap((chart) => chart.series)) {
    series.values = periods.map((row) => series.values[row] ?? null);
  }
  parent.append(bandsLegend(bands));
  const seconds = (x) => formatNumber(x) + ' s';
  const graphs = joinCharts(drawn.map(
    (chart) => drawChart(parent, chart, xs, bands, (x) => 'at ' + seconds(x), seconds)));
  const missing = charts.filter((chart) => chart.series.length === 0);
  if (missing.length > 0) {
    const names = missing.map((chart) => `${chart.title} (${chart.needs})`).join(', ');
    const note = `Left out, since the trace has no values for it: ${names}.`;
    parent.append(element('p', 'note', note));
  }
  return graphs;
}

function start() {
  const runs = JSON.parse(document.getElementById('data').textContent);
  const sections = [...document.querySelectorAll('.run')];
  const tabs = [...document.querySelectorAll('nav button')];
  const drawn = new Map();

  const show = (chosen) => {
    sections.forEach((section, index) => { section.hidden = index !== chosen; });
    tabs.forEach((tab, index) => tab.setAttribute('aria-selected', String(index === chosen)));
    if (!drawn.has(chosen)) {
      drawn.set(chosen, drawRun(sections[chosen].querySelector('.charts'), runs[chosen]));
    }
    drawn.get(chosen).forEach((graph) => graph.resize());
  };
  tabs.forEach((tab, index) => tab.addEventListener('click', () => show(index)));
  window.addEventListener('beforeprint', () => {
    // What is drawn is scaled: a canvas that is drawn anew now comes out blank.
    const width = document.body.clientWidth;
    document.body.style.width = width + 'px';
    document.body.style.zoom = Math.min(1, kPaperWidth / width);
  });
  window.addEventListener('afterprint', () => {
    document.body.style.width = '';
    document.body.style.zoom = '';
  });
  drawComparison(document.getElementById('comparison'), runs);
  show(0);
}

start();
