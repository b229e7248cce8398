'use strict';

// The columns of a trace: `base` for the machine, `base.<name>` for an application, domain or CPU.

function hasValues(run, column) {
  return (run.columns[column] || []).some((value) => value !== null && value !== '');
}

/// The names behind `base`, of columns that have a value: [''] for the plain column.
function namesOf(run, base) {
  return Object.keys(run.columns)
    .filter((column) => column === base || column.startsWith(base + '.'))
    .filter((column) => hasValues(run, column))
    .map((column) => column.slice(base.length + 1));
}

function columnOf(run, base, name) {
  return run.columns[name === '' ? base : base + '.' + name] || [];
}

/// Periods that have a time; the only ones that a chart can show.
function periodsOf(run) {
  const times = run.columns.time_s || [];
  return times.map((_, row) => row).filter((row) => times[row] !== null);
}

/// When the last period ends, as long as the one before it.
function endOf(run) {
  const times = periodsOf(run).map((row) => run.columns.time_s[row]);
  const last = times.length - 1;
  return times[last] + (last > 0 ? times[last] - times[last - 1] : 1);
}

function formatNumber(value) {
  if (value === 0) return '0';
  const digits = Math.max(0, Math.min(4, 3 - Math.floor(Math.log10(Math.abs(value)))));
  return String(Number(value.toFixed(digits)));
}

function escapeHtml(text) {
  const marks = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;'};
  return text.replace(/[&<>"']/g, (mark) => marks[mark]);
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
