// @ts-check
// A table as a file (RFC 4180), for spreadsheets.

/** Saves rows below a head of `names`; what is no text is written as JSON. */
export function saveCsv(file, names, rows) {
  const text = [names, ...rows].map((row) => row.map(cell).join()).join('\r\n');
  const url = URL.createObjectURL(new Blob([text, '\r\n'], { type: 'text/csv' }));
  const link = document.createElement('a');
  Object.assign(link, { href: url, download: file });
  link.click();
  URL.revokeObjectURL(url);
}

function cell(value) {
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : `${value ?? ''}`;
  // A spreadsheet would take these for formulas.
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
