// A table of any length: only the rows in sight are elements. Arrows move, Enter opens, headers sort.

import { classes, html, useCallback, useEffect, useId, useLayoutEffect, useRef, useState } from "./html.js";
import { Empty, ErrorNote, Loading } from "./states.js";

const ROW_PX = 36;
const SPARE_ROWS = 8;

/** Which rows are in sight of a scrolled box, some more on both sides. Shape: `[first, behind last)`. */
export function windowOf(scrolled, height, rows, rowPx = ROW_PX) {
  const first = Math.max(0, Math.floor(scrolled / rowPx) - SPARE_ROWS);
  return [Math.min(first, rows), Math.min(rows, Math.ceil((scrolled + height) / rowPx) + SPARE_ROWS)];
}

/** The least width of all columns together, so that head and rows agree on their tracks when the box is narrower. */
export function leastWidth(columns) {
  const rems = columns.map(({ width = "1fr" }) => Number(/([\d.]+)rem/.exec(width)?.[1] ?? 6));
  return `${rems.reduce((sum, rem) => sum + rem, 0)}rem`;
}

/** Where a key leads from a row; null if it leads nowhere. */
export function moved(key, from, rows, page) {
  const to = { ArrowDown: from + 1, ArrowUp: from - 1, PageDown: from + page, PageUp: from - page, Home: 0, End: rows - 1 }[key];
  return to === undefined || rows === 0 ? null : Math.min(rows - 1, Math.max(0, to));
}

/** Rows in the order of a column; `sort` is `{id, isDown}`. For lists that are here whole. */
export function sorted(rows, columns, sort) {
  const column = columns.find((each) => each.id === sort?.id);
  if (!column) return rows;
  const valueOf = column.value ?? ((row) => row[column.id]);
  const compare = (a, b) => {
    const [mine, other] = [valueOf(a), valueOf(b)];
    const numbers = [Number(mine), Number(other)];
    const isNumeric = mine !== "" && other !== "" && numbers.every(Number.isFinite);
    return isNumeric ? numbers[0] - numbers[1] : String(mine ?? "").localeCompare(String(other ?? ""));
  };
  return [...rows].sort((a, b) => (sort.isDown ? compare(b, a) : compare(a, b)));
}

/**
 * - `columns`: `{id, title, render(row), width, align, canSort, isMinor}`; `width` is a grid track ("1fr", "8rem"), minor
 *   columns are left out on a phone. Without `render` a cell shows `row[id]`.
 * - `rows`, `keyOf(row)` (its `id` if left out), `onOpen(row)` for Enter and a click.
 * - `sort` `{id, isDown}` and `onSort(sort)`: the caller sorts, by `sorted()` or on the server.
 * - `question`: what the rows answer; those of another one are seen from their beginning.
 * - `total`: how many rows there are if not all are here; `hasMore`, `onMore()`: the end is near, read on.
 * - `isLoading`, `problem`, `retry`, `empty` (what to show for no rows), `height` (CSS) of the box; it is as high as its
 *   rows if they are few.
 */
export function Table(props) {
  const { label, columns, rows, keyOf = (row) => row.id, onOpen, sort, onSort, total, height = "60vh" } = props;
  const id = useId();
  const box = useRef(null);
  const [view, look] = useState({ top: 0, height: 600 });
  const [active, activate] = useState(0);
  const [first, behind] = windowOf(view.top, view.height, rows.length);
  const measure = useCallback(() => look({ top: box.current.scrollTop, height: box.current.clientHeight }), []);
  useLayoutEffect(() => {
    const watching = new ResizeObserver(measure);
    watching.observe(box.current);
    return () => watching.disconnect();
  }, []);
  useLayoutEffect(() => {
    box.current.scrollTop = 0;
    activate(0);
  }, [props.question]);
  useEffect(() => {
    if (props.hasMore && !props.isLoading && behind >= rows.length) props.onMore();
  });
  const here = Math.min(active, Math.max(0, rows.length - 1));
  const reach = (index) => {
    activate(index);
    const [top, head] = [index * ROW_PX, ROW_PX];
    const list = box.current;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW_PX + head > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW_PX + head - list.clientHeight;
    measure();
  };
  const pressed = (event) => {
    // A button or link in a row has its own keys.
    if (event.target !== event.currentTarget) return;
    const to = moved(event.key, here, rows.length, Math.max(1, Math.floor(view.height / ROW_PX) - 2));
    if (to !== null) reach(to);
    else if (event.key === "Enter" && onOpen && rows[here]) onOpen(rows[here]);
    else return;
    event.preventDefault();
  };
  const tracks = (some) => some.map((column) => column.width ?? "1fr").join(" ");
  const major = columns.filter((column) => !column.isMinor);
  const widths = { "--tracks": tracks(columns), "--narrow": tracks(major), "--least": leastWidth(columns), "--least-narrow": leastWidth(major) };
  const visible = rows.slice(first, behind);
  return html`<div class="table-frame">
    <div
      class=${classes("table", onOpen && "opens")}
      role="grid"
      aria-label=${label}
      aria-rowcount=${(total ?? rows.length) + 1}
      aria-colcount=${columns.length}
      aria-busy=${props.isLoading ? "true" : undefined}
      aria-activedescendant=${rows.length ? `${id}-${here}` : undefined}
      tabindex="0"
      ref=${box}
      style=${{ ...widths, maxHeight: height }}
      onScroll=${measure}
      onKeyDown=${pressed}
    >
      <${Head} columns=${columns} sort=${sort} onSort=${onSort} />
      <div class="table-rows" role="rowgroup" style=${{ height: `${rows.length * ROW_PX}px` }}>
        ${visible.map((row, index) => {
          const place = first + index;
          return html`<${Row}
            key=${keyOf(row)}
            ...${{ id: `${id}-${place}`, row, place, columns, isActive: place === here, activate, onOpen }}
          />`;
        })}
      </div>
    </div>
    ${props.problem
      ? html`<${ErrorNote} problem=${props.problem} retry=${props.retry} />`
      : props.isLoading && html`<${Loading} lines=${rows.length ? 1 : 4} label="Loading rows" />`}
    ${!rows.length && !props.isLoading && !props.problem && (props.empty ?? html`<${Empty} title="Nothing here" />`)}
  </div>`;
}

function Head({ columns, sort, onSort }) {
  return html`<div class="table-head" role="rowgroup">
    <div role="row" aria-rowindex="1">
      ${columns.map((column) => {
        const isSorted = sort?.id === column.id;
        const direction = isSorted ? (sort.isDown ? "descending" : "ascending") : undefined;
        return html`<div
          key=${column.id}
          role="columnheader"
          class=${classes(column.align, column.isMinor && "minor")}
          aria-sort=${direction}
        >
          ${column.canSort && onSort
            ? html`<button type="button" onClick=${() => onSort({ id: column.id, isDown: isSorted ? !sort.isDown : Boolean(column.startsDown) })}>
                ${column.title}<span aria-hidden="true">${isSorted ? (sort.isDown ? "↓" : "↑") : "↕"}</span>
              </button>`
            : column.title}
        </div>`;
      })}
    </div>
  </div>`;
}

function Row({ id, row, place, columns, isActive, activate, onOpen }) {
  const clicked = (event) => {
    activate(place);
    // What is in the row and does something by itself opens nothing else; nor does marking text.
    if (!onOpen || event.target.closest("a, button, input, select") || String(getSelection())) return;
    onOpen(row);
  };
  return html`<div
    role="row"
    id=${id}
    aria-rowindex=${place + 2}
    aria-selected=${isActive ? "true" : "false"}
    class=${classes(isActive && "active", row.tone)}
    style=${{ transform: `translateY(${place * ROW_PX}px)` }}
    onClick=${clicked}
  >
    ${columns.map(
      (column) => html`<div key=${column.id} role="gridcell" class=${classes(column.align, column.isMinor && "minor")}>
        ${column.render ? column.render(row) : row[column.id]}
      </div>`,
    )}
  </div>`;
}
