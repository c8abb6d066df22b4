// How n tiles share a stage: the column count that gives the largest tiles, without nervous changes.

export interface Area {
  readonly width: number;
  readonly height: number;
}
export interface Packing extends Area {
  readonly columns: number;
  readonly rows: number;
}

const WIDEST = 16 / 9;
const FLOOR_LANDSCAPE = 6 / 5;
const FLOOR_PORTRAIT = 3 / 4;
/** A new column count must be this much better than the old one. */
const HYSTERESIS = 1.08;

/** The tiles of one column count, their shape clamped between the floor and 16:9. */
export function packInto(columns: number, n: number, stage: Area, gap: number): Packing {
  const rows = Math.ceil(n / columns);
  let width = (stage.width - (columns - 1) * gap) / columns;
  let height = (stage.height - (rows - 1) * gap) / rows;
  const floor = stage.width >= stage.height ? FLOOR_LANDSCAPE : FLOOR_PORTRAIT;
  if (width <= 0 || height <= 0) return { columns, rows, width: 0, height: 0 };
  if (width / height > WIDEST) width = height * WIDEST;
  else if (width / height < floor) height = width / floor;
  return { columns, rows, width, height };
}

const areaOf = (packing: Area) => packing.width * packing.height;

/** The best packing; ties go to fewer columns. `before` keeps its column count unless another is clearly better. */
export function pack(n: number, stage: Area, gap: number, before?: number): Packing {
  let best = packInto(1, Math.max(1, n), stage, gap);
  for (let columns = 2; columns <= n; columns++) {
    const next = packInto(columns, n, stage, gap);
    if (areaOf(next) > areaOf(best) + 0.5) best = next;
  }
  if (before === undefined || before === best.columns || before < 1 || before > n) return best;
  const kept = packInto(before, n, stage, gap);
  return areaOf(best) >= areaOf(kept) * HYSTERESIS ? best : kept;
}

export interface PageRules {
  readonly gap: number;
  /** Tiles narrower than this are paged instead. */
  readonly minWidth: number;
  /** Height that the page switch takes when there are pages. */
  readonly pagerHeight: number;
  readonly most: number;
}

/** How many tiles one page shows: all, when they are wide enough; else as many whole rows as fit. */
export function perPage(n: number, stage: Area, rules: PageRules): number {
  const all = pack(n, stage, rules.gap);
  if (n <= rules.most && (n <= 2 || all.width >= rules.minWidth)) return n;
  const paged = { width: stage.width, height: stage.height - rules.pagerHeight };
  for (let count = Math.min(n - 1, rules.most); count > 2; count--) {
    const packing = pack(count, paged, rules.gap);
    if (packing.width >= rules.minWidth && count % packing.columns === 0) return count;
  }
  return Math.min(2, n);
}

export interface Box extends Area {
  readonly x: number;
  readonly y: number;
}

/** Places n tiles: the block in the middle of the stage, a short last row in the middle of the block. */
export function place(n: number, stage: Box, gap: number, packing: Packing): readonly Box[] {
  const { columns, rows, width, height } = packing;
  const top = stage.y + (stage.height - rows * height - (rows - 1) * gap) / 2;
  return Array.from({ length: n }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = Math.min(columns, n - row * columns);
    const left = stage.x + (stage.width - inRow * width - (inRow - 1) * gap) / 2;
    return { x: left + (index - row * columns) * (width + gap), y: top + row * (height + gap), width, height };
  });
}
