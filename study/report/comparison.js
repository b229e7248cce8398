// All runs in one chart: what was missed, and how accurate, over the share of the run.

const kWindowS = 5;
const kSteps = 400;

function totalsOf(run, base) {
  const columns = namesOf(run, base).map((name) => columnOf(run, base, name));
  return periodsOf(run).map((row) => columns.reduce((sum, column) => sum + (column[row] || 0), 0));
}

/// In percent, for each of `moments` (seconds, ascending): the sum of `shares` over the sum of
/// `weights` in the window that ends there; null where there was nothing.
function movingShare(run, shares, weights, moments) {
  const times = periodsOf(run).map((row) => run.columns.time_s[row]);
  let first = 0;
  let next = 0;
  let share = 0;
  let weight = 0;
  return moments.map((now) => {
    for (; next < times.length && times[next] <= now; ++next) {
      share += shares[next];
      weight += weights[next];
    }
    for (; first < next && times[first] <= now - kWindowS; ++first) {
      share -= shares[first];
      weight -= weights[first];
    }
    return weight > 0.5 ? (100 * Math.max(share, 0)) / weight : null;
  });
}

function missShare(run, moments) {
  const late = totalsOf(run, 'late');
  const dropped = totalsOf(run, 'dropped');
  const served = totalsOf(run, 'served');
  return movingShare(run, late.map((value, i) => value + dropped[i]),
                     served.map((value, i) => value + dropped[i]), moments);
}

/// Of the accuracy column `base` of the applications, weighted with what each served.
function movingMean(run, applications, base, moments) {
  const rows = periodsOf(run);
  const correct = rows.map(() => 0);
  const weights = rows.map(() => 0);
  for (const name of applications) {
    rows.forEach((row, i) => {
      const accuracy = columnOf(run, base, name)[row];
      if (accuracy === null) return;
      const served = columnOf(run, 'served', name)[row] || 0;
      correct[i] += accuracy * served;
      weights[i] += served;
    });
  }
  return movingShare(run, correct, weights, moments);
}

function meanAccuracy(run, moments) {
  return movingMean(run, namesOf(run, 'accuracy_top1'), 'accuracy_top1', moments);
}

/// The moments of the comparison, in seconds of this run.
function momentsOf(run) {
  const start = run.columns.time_s[periodsOf(run)[0]];
  return Array.from({length: kSteps + 1},
                    (_, step) => start + ((endOf(run) - start) * step) / kSteps);
}

function relativeBands(run) {
  const start = run.columns.time_s[periodsOf(run)[0]];
  const share = (time) => (100 * (time - start)) / (endOf(run) - start);
  return bandsOf(run).map((band) => ({...band, start: share(band.start), end: share(band.end)}));
}

function drawComparison(parent, runs) {
  const shown = runs.filter((run) => periodsOf(run).length > 0);
  if (runs.length < 2 || shown.length === 0) return;
  const bands = relativeBands(shown[0]);
  const xs = Array.from({length: kSteps + 1}, (_, step) => (100 * step) / kSteps);
  const seriesBy = (values) => shown
    .map((run, index) => ({label: run.label, color: kColors[index % kColors.length],
                           strokeWidth: 1.8, values: values(run, momentsOf(run))}))
    .filter((series) => series.values.some((value) => value !== null));
  const charts = [
    {title: 'Missed', unit: '%', height: 210, series: seriesBy(missShare)},
    {title: 'Accuracy', unit: '%', height: 210, float: true, series: seriesBy(meanAccuracy)},
  ].filter((chart) => chart.series.length > 0);

  parent.append(element('p', 'note', `Means over the last ${kWindowS} seconds, against the share ` +
                        `of the run that has passed; phases of ${shown[0].label}.`));
  parent.append(bandsLegend(bands));
  const percent = (x) => formatNumber(x) + ' %';
  joinCharts(charts.map((chart) => drawChart(parent, chart, xs, bands,
                                             (x) => percent(x) + ' of the run', percent)));
}
