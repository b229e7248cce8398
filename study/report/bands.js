// The phases of a scenario: shaded bands behind every chart, and their legend.

const kQuietColor = '#f3f4f6';
const kBusyColors = ['#fde5cf', '#d9e8fb', '#e2f1d8', '#f3dcf0', '#fbeeb8', '#d5efee', '#f9d9d6',
                     '#e0dcf7'];

/// [{start, end, name, coRunners, color}], in the order of time.
function bandsOf(run) {
  const rows = periodsOf(run);
  const phases = run.columns.phase || [];
  const coRunners = run.columns.co_runners || [];
  const bands = [];
  const colors = new Map();
  for (const row of rows) {
    // Names with ';' between; a ';' within one has a backslash before it.
    const others = ((coRunners[row] || '').match(/(?:\\.|[^;\\])+/gs) || [])
      .map((name) => name.replace(/\\(.)/gs, '$1')).join(', ');
    const name = phases[row] || others || 'alone';
    const last = bands[bands.length - 1];
    const start = run.columns.time_s[row];
    if (last) last.end = start;
    if (last && last.name === name && last.coRunners === others) continue;
    const key = name + '\n' + others;
    if (!colors.has(key)) {
      const busy = [...colors.values()].filter((color) => color !== kQuietColor).length;
      colors.set(key, others ? kBusyColors[busy % kBusyColors.length] : kQuietColor);
    }
    bands.push({start, end: start, name, coRunners: others, color: colors.get(key)});
  }
  if (bands.length > 0) bands[bands.length - 1].end = endOf(run);
  return bands;
}

function fitText(canvas, text, width) {
  if (canvas.measureText(text).width <= width) return text;
  for (let length = text.length - 1; length > 1; --length) {
    const shorter = text.slice(0, length) + '…';
    if (canvas.measureText(shorter).width <= width) return shorter;
  }
  return '';
}

/// For the underlayCallback of a chart.
function drawBands(bands, canvas, area, graph) {
  canvas.save();
  canvas.beginPath();
  canvas.rect(area.x, area.y, area.w, area.h);
  canvas.clip();
  canvas.font = '11px system-ui, "DejaVu Sans", sans-serif';
  canvas.textBaseline = 'top';
  for (const band of bands) {
    const left = Math.max(area.x, graph.toDomXCoord(band.start));
    const right = Math.min(area.x + area.w, graph.toDomXCoord(band.end));
    if (right <= left) continue;
    canvas.fillStyle = band.color;
    canvas.fillRect(left, area.y, right - left, area.h);
    canvas.fillStyle = 'rgba(0, 0, 0, 0.18)';
    canvas.fillRect(left, area.y, 1, area.h);
    canvas.fillStyle = '#5b6675';
    canvas.fillText(fitText(canvas, band.name, right - left - 8), left + 5, area.y + 3);
  }
  canvas.restore();
}

function bandsLegend(bands) {
  const legend = element('div', 'phases');
  const seen = new Set();
  for (const band of bands) {
    const key = band.name + '\n' + band.coRunners;
    if (seen.has(key)) continue;
    seen.add(key);
    const entry = element('span');
    const swatch = element('i');
    swatch.style.background = band.color;
    entry.append(swatch, band.name + ' ');
    const others = band.coRunners ? 'with ' + band.coRunners : 'no co-runner';
    entry.append(element('small', '', others));
    legend.append(entry);
  }
  return legend;
}
