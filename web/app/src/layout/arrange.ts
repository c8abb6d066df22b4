// Where every tile goes. Pure: the same people in the same window always give the same picture.

import { pack, perPage, place, type Area, type Box } from './pack.js';

/** One tile, by a key the page can find again. */
export type Key = string;

export interface Scene {
  readonly stage: Area;
  readonly phone: boolean;
  /** Tiles of the others in joining order; own tile apart. */
  readonly others: readonly Key[];
  readonly own: Key;
  /** The large tile of share, pin and speaker view; null for the grid. */
  readonly main: Key | null;
  /** Shape of the main picture when it must keep it (a share); null when it may be cropped. */
  readonly mainAspect: number | null;
  /** People who stay in the strip the longest. */
  readonly keep: ReadonlySet<Key>;
  readonly page: number;
  readonly columns?: number;
}

export interface Arrangement {
  readonly view: 'alone' | 'two' | 'grid' | 'main';
  readonly boxes: ReadonlyMap<Key, Box>;
  readonly inset: boolean;
  readonly page: number;
  readonly pages: number;
  readonly columns: number;
}

const MIN_TILE = 172;
const MIN_TILE_PHONE = 148;
const MOST_TILES = 49;
const PAGER = 46;
const STRIP = 216;
const STRIP_LEAST = 160;
const ALONE = 720;
/** Width of the invitation card and the space before it. */
const INVITATION = 444;
const WIDE = 16 / 9;

export function arrange(scene: Scene): Arrangement {
  const gap = scene.phone ? 6 : 8;
  if (scene.main !== null) return withMain(scene, scene.main, gap);
  if (scene.others.length === 0) return alone(scene);
  const other = scene.others[0];
  if (scene.others.length === 1 && other !== undefined) return two(scene, other);
  return grid(scene, gap);
}

const whole = (stage: Area): Box => ({ x: 0, y: 0, width: stage.width, height: stage.height });

function alone({ stage, own, phone }: Scene): Arrangement {
  // The invitation stands beside the own tile, on phones below it.
  const room = phone ? { width: stage.width, height: stage.height * 0.55 } : { width: Math.min(ALONE, stage.width * 0.6), height: stage.height };
  const width = Math.min(room.width, room.height * WIDE, ALONE);
  const height = Math.min(room.height, width / (phone ? 4 / 3 : WIDE));
  const left = phone ? (stage.width - width) / 2 : Math.max(0, (stage.width - width - INVITATION) / 2);
  const box = { x: left, y: phone ? 0 : (stage.height - height) / 2, width, height };
  return { view: 'alone', boxes: new Map([[own, box]]), inset: false, page: 0, pages: 1, columns: 1 };
}

function two({ stage, own, phone }: Scene, other: Key): Arrangement {
  const width = phone ? 108 : 232;
  const height = phone ? 144 : 130;
  const inset = { x: stage.width - width - 12, y: stage.height - height - 12, width, height };
  return { view: 'two', boxes: new Map([[other, whole(stage)], [own, inset]]), inset: true, page: 0, pages: 1, columns: 1 };
}

/** How many others one page of the grid shows. The own tile stands last on every page, so it is one less than fits. */
export function firstPage({ stage, phone }: Pick<Scene, 'stage' | 'phone'>, others: number): number {
  const rules = { gap: phone ? 6 : 8, minWidth: phone ? MIN_TILE_PHONE : MIN_TILE, pagerHeight: PAGER, most: MOST_TILES };
  return Math.max(1, perPage(others + 1, stage, rules) - 1);
}

function grid(scene: Scene, gap: number): Arrangement {
  const { stage, others, own } = scene;
  const total = others.length + 1;
  const each = firstPage(scene, others.length);
  const count = each >= others.length ? total : each + 1;
  const pages = Math.ceil(others.length / each);
  const page = Math.min(Math.max(0, scene.page), pages - 1);
  const shown = [...others.slice(page * each, (page + 1) * each), own];
  const area = pages > 1 ? { width: stage.width, height: stage.height - PAGER } : stage;
  const packing = pack(pages > 1 ? count : shown.length, area, gap, pages > 1 ? undefined : scene.columns);
  const spots = place(shown.length, whole(area), gap, packing);
  return { view: 'grid', boxes: zip(shown, spots), inset: false, page, pages, columns: packing.columns };
}

function withMain(scene: Scene, main: Key, gap: number): Arrangement {
  const { stage, own, phone, mainAspect } = scene;
  const rest = [...scene.others.filter((key) => key !== main), ...(own === main ? [] : [own])];
  const result = (boxes: ReadonlyMap<Key, Box>): Arrangement => ({ view: 'main', boxes, inset: false, page: 0, pages: 1, columns: 1 });
  if (rest.length === 0) return result(new Map([[main, whole(stage)]]));
  if (phone) return result(phoneMain(scene, main, rest, gap));
  const side = sideStrip(stage, mainAspect, gap);
  const above = topStrip(stage, mainAspect ?? WIDE, rest.length, gap);
  const useTop = mainAspect !== null && above.main.width * above.main.height > side.main.width * side.main.height;
  return result(useTop ? fillTop(above, scene, main, rest, gap) : fillSide(side, scene, main, rest, gap));
}

function phoneMain(scene: Scene, main: Key, rest: readonly Key[], gap: number): ReadonlyMap<Key, Box> {
  const { stage, mainAspect } = scene;
  const height = Math.min(stage.height * 0.6, mainAspect === null ? stage.height * 0.58 : Math.max(stage.width / mainAspect, stage.height * 0.3));
  const below = { x: 0, y: height + gap, width: stage.width, height: stage.height - height - gap };
  const shown = dropLast(rest, 4, scene);
  const boxes = zip(shown, place(shown.length, below, gap, pack(shown.length, below, gap)));
  return new Map([...boxes, [main, { x: 0, y: 0, width: stage.width, height }]]);
}

interface Strip {
  readonly main: Box;
  readonly tile: Area;
}

function sideStrip(stage: Area, aspect: number | null, gap: number): Strip {
  const width = Math.max(STRIP_LEAST, Math.min(STRIP, stage.width * 0.22));
  const left = stage.width - width - gap - 4;
  const height = aspect === null ? stage.height : Math.min(stage.height, left / aspect);
  const across = aspect === null ? left : height * aspect;
  return { main: { x: (left - across) / 2, y: (stage.height - height) / 2, width: across, height }, tile: { width, height: width / WIDE } };
}

function topStrip(stage: Area, aspect: number, count: number, gap: number): Strip {
  const width = Math.max(STRIP_LEAST, Math.min(STRIP, (stage.width - (count - 1) * gap) / count));
  const tile = { width, height: width / WIDE };
  const height = Math.min(stage.height - tile.height - gap, stage.width / aspect);
  const top = (stage.height - tile.height - gap - height) / 2;
  return { main: { x: (stage.width - height * aspect) / 2, y: top + tile.height + gap, width: height * aspect, height }, tile };
}

function fillSide(strip: Strip, scene: Scene, main: Key, rest: readonly Key[], gap: number): ReadonlyMap<Key, Box> {
  const { stage } = scene;
  const fit = Math.max(1, Math.floor((stage.height + gap) / (strip.tile.height + gap)));
  const shown = dropLast(rest, fit, scene);
  const top = (stage.height - shown.length * strip.tile.height - (shown.length - 1) * gap) / 2;
  const spots = shown.map((_, index) => ({ x: stage.width - strip.tile.width, y: top + index * (strip.tile.height + gap), ...strip.tile }));
  return new Map([...zip(shown, spots), [main, strip.main]]);
}

function fillTop(strip: Strip, scene: Scene, main: Key, rest: readonly Key[], gap: number): ReadonlyMap<Key, Box> {
  const { stage } = scene;
  const fit = Math.max(1, Math.floor((stage.width + gap) / (strip.tile.width + gap)));
  const shown = dropLast(rest, fit, scene);
  const left = (stage.width - shown.length * strip.tile.width - (shown.length - 1) * gap) / 2;
  const top = strip.main.y - gap - strip.tile.height;
  const spots = shown.map((_, index) => ({ x: left + index * (strip.tile.width + gap), y: top, ...strip.tile }));
  return new Map([...zip(shown, spots), [main, strip.main]]);
}

/** The first `fit` of these; speakers, raised hands and the own tile are dropped last. Order stays as it was. */
function dropLast(rest: readonly Key[], fit: number, scene: Scene): readonly Key[] {
  if (rest.length <= fit) return rest;
  const important = rest.filter((key) => key === scene.own || scene.keep.has(key));
  const chosen = new Set([...(important.length > fit ? important.slice(-fit) : important)]);
  for (const key of rest) {
    if (chosen.size >= fit) break;
    chosen.add(key);
  }
  return rest.filter((key) => chosen.has(key));
}

function zip(keys: readonly Key[], boxes: readonly Box[]): ReadonlyMap<Key, Box> {
  return new Map(keys.flatMap((key, index) => {
    const box = boxes[index];
    return box ? [[key, box] as const] : [];
  }));
}
