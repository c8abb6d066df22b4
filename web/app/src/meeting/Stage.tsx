import { watermark, type Room, type Tile as WatchTile } from '@incamera/sdk';
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/index.js';
import { arrange, firstPage } from '../layout/arrange.js';
import { noSeats, seat } from '../layout/seats.js';
import { connection, hands, isOn, people, selfId, speaking } from '../state/call.js';
import { layout, page, phone, pin } from '../state/meetingui.js';
import { Alone } from './Alone.js';
import { Pager } from './Pager.js';
import { Reconnecting } from './Reconnecting.js';
import { Tile } from './Tile.js';
import { keyOf, mainTile, screenTiles, type TileId } from './tiles.js';
import { useSteadySpeaker } from './speaker.js';

/** The pictures. It measures itself, arranges the tiles and tells the SDK which pictures are on the page, how large. */
export function Stage({ room }: { readonly room: Room }) {
  const m = t();
  const element = useRef<HTMLElement>(null);
  const pictures = useRef<HTMLDivElement>(null);
  const size = useSignal({ width: 0, height: 0 });
  const shareAspect = useSignal(16 / 10);
  const columns = useRef<number | undefined>(undefined);
  const seats = useRef(noSeats);
  const videos = useRef(new Map<string, HTMLVideoElement>());
  const speaker = useSteadySpeaker();

  useLayoutEffect(() => {
    const stage = element.current;
    if (!stage) return undefined;
    const measure = () => {
      const next = { width: stage.clientWidth, height: stage.clientHeight };
      if (next.width !== size.value.width || next.height !== size.value.height) size.value = next;
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(stage);
    return () => observer.disconnect();
  }, []);

  useEffect(() => (pictures.current ? watermark(pictures.current, room) : undefined), [room]);

  const camera = (participant: string): TileId => ({ participant, kind: 'camera' });
  const others = people.value.filter((one) => one.id !== selfId.value);
  const heard = [...speaking.value, ...hands.value.map((one) => one.id)].filter((id) => id !== selfId.value);
  const main = mainTile(people.value, selfId.value, { pin: pin.value, layout: layout.value, speaker });
  // Seats matter only where there are pages: in the grid of a stage that has been measured.
  const visible = main || size.value.width === 0 ? others.length : firstPage({ stage: size.value, phone: phone.value }, others.length);
  seats.current = seat(seats.current, { present: others.map((one) => one.id), active: heard, visible, now: performance.now() });
  const own = camera(selfId.value);
  const all: TileId[] = seats.current.order.map(camera);
  const screens = screenTiles(people.value, selfId.value, main);
  all.unshift(...screens);
  const keep = new Set([...heard.map(camera), ...screens].map(keyOf));
  const scene = arrange({
    stage: size.value, phone: phone.value, others: all.map(keyOf), own: keyOf(own),
    main: main ? keyOf(main) : null, mainAspect: main?.kind === 'screen' ? shareAspect.value : null, keep, page: page.value,
    ...(columns.current === undefined ? {} : { columns: columns.current }),
  });
  if (scene.view === 'grid') columns.current = scene.columns;
  const shown = [...all, own].filter((one) => scene.boxes.has(keyOf(one)));

  // After the elements are in the document: which pictures, at which size.
  useEffect(() => {
    const tiles: WatchTile[] = [];
    for (const one of shown) {
      const box = scene.boxes.get(keyOf(one));
      const person = people.value.find((p) => p.id === one.participant);
      const video = videos.current.get(keyOf(one));
      if (!box || !person || !video || one.participant === selfId.value || !isOn(person, one.kind)) continue;
      tiles.push({ participant: one.participant, kind: one.kind, width: Math.round(box.width), height: Math.round(box.height), element: video });
    }
    room.watch(tiles);
  });

  const away = connection.value?.signaling === 'reconnecting' || connection.value?.media === 'lost';
  return (
    <section class={`stage view-${scene.view}`} id="stage" ref={element} aria-label={m.meetingStage}>
      <div class="pictures" ref={pictures}>
        <ul class="tiles" aria-label={m.peopleInView}>
          {shown.map((one) => {
            const key = keyOf(one);
            const person = people.value.find((p) => p.id === one.participant);
            const box = scene.boxes.get(key);
            if (!person || !box) return null;
            return (
              <Tile key={key} person={person} kind={one.kind} box={box} own={one.participant === selfId.value} inset={scene.inset && one.participant === selfId.value}
                onVideo={(video) => { if (video) videos.current.set(key, video); else videos.current.delete(key); }}
                onAspect={(aspect) => { if (one.kind === 'screen' && main && key === keyOf(main)) shareAspect.value = aspect; }} />
            );
          })}
        </ul>
      </div>
      {scene.view === 'alone' && <Alone box={scene.boxes.get(keyOf(own))} />}
      {scene.pages > 1 && <Pager at={scene.page} of={scene.pages} />}
      {away && <Reconnecting />}
    </section>
  );
}
