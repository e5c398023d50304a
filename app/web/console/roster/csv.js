// CSV as spreadsheets write it: commas, semicolons or tabs; and as they may read it, where no text is a formula.

/** What a host has in a file, in this order; `person` and `from` are for importing only. */
export const COLUMNS = ["id", "name", "team", "store", "segment", "status", "codes", "commission_bps", "picture", "link"];
// What a spreadsheet begins a formula with. A text that begins so is given a ' in front, which is taken away again.
const FORMULA = /^[=+\-@\t\r\n']/;
const DELIMITERS = [",", ";", "\t"];

/** A text cell that no spreadsheet takes for a formula. */
export const marked = (text) => (FORMULA.test(text) ? `'${text}` : text);
const unmarked = (text) => (text.startsWith("'") && FORMULA.test(text.slice(1)) ? text.slice(1) : text);
const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Rows of cells as one text; a line for each row, so that a complaint about a line finds it. */
export function written(rows) {
  return rows.map((row) => `${row.map(quoted).join(",")}\n`).join("");
}

/** The hosts of a roster as a file that can be imported again and then changes nothing. */
export function fileOf(hosts) {
  const cell = (host, column) => marked(column === "codes" ? host.codes.join(" ") : String(host[column] ?? ""));
  return written([COLUMNS, ...hosts.map((host) => COLUMNS.map((column) => cell(host, column)))]);
}

/** The character between the cells: the one of which the first line has most outside of quotes. */
function delimiterOf(text) {
  const head = text.slice(0, text.search(/[\r\n]|$/)).replace(/"[^"]*"/g, "");
  const counts = DELIMITERS.map((character) => head.split(character).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))];
}

/** Rows of cells of a file in any of the usual shapes. Empty lines stay, so that line numbers hold. */
export function read(text) {
  const body = text.replace(/^\ufeff/, "");
  const delimiter = delimiterOf(body);
  const rows = [];
  let [row, cell, isQuoted] = [[], "", false];
  const endCell = () => {
    row.push(cell);
    cell = "";
  };
  const endRow = () => {
    endCell();
    rows.push(row);
    row = [];
  };
  for (let at = 0; at < body.length; at += 1) {
    const character = body[at];
    if (isQuoted) {
      if (character !== '"') cell += character;
      else if (body[at + 1] === '"') cell += body[(at += 1)];
      else isQuoted = false;
    } else if (character === '"' && cell === "") isQuoted = true;
    else if (character === delimiter) endCell();
    else if (character === "\n" || character === "\r") {
      if (character === "\r" && body[at + 1] === "\n") at += 1;
      endRow();
    } else cell += character;
  }
  if (cell !== "" || row.length) endRow();
  return rows;
}

/** A file as the server reads it: commas, plain column names, texts without the mark. */
export function normal(text) {
  const [head = [], ...rows] = read(text);
  const names = head.map((name) => name.trim().toLowerCase().replace(/[\s-]+/g, "_"));
  return written([names, ...rows.map((row) => (row.length === 1 && row[0] === "" ? row : row.map(unmarked)))]);
}
