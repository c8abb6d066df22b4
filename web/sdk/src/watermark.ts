// The watermark of rooms that want one: the server's words, drawn over a page's pictures. It deters, and prevents nothing:
// whoever controls the browser controls what is drawn.

import type { Unsubscribe } from './emitter.js';
import type { Room } from './room.js';

const slope = -Math.PI / 8;
const rowHeight = 104;
const gap = 72;
/** How often the drawing is renewed, whatever became of it. */
const renewMs = 3000;

/**
 * Draws the room's watermark over everything in `over`, for as long as the room wants one; `over` is the element that
 * holds all pictures. Ends with the meeting, or when the result is called.
 */
export function watermark(over: HTMLElement, room: Pick<Room, 'watermark' | 'on'>): Unsubscribe {
  const layer = new Layer(over);
  const leave = [room.on('watermark', (text) => layer.say(text)), room.on('ended', () => layer.close())];
  layer.say(room.watermark);
  return () => {
    for (const one of leave) one();
    layer.close();
  };
}

class Layer {
  readonly #over: HTMLElement;
  readonly #nodes: MutationObserver;
  readonly #size: ResizeObserver;
  #timer: ReturnType<typeof setInterval> | undefined;
  #canvas: HTMLCanvasElement | null = null;
  #text = '';

  constructor(over: HTMLElement) {
    this.#over = over;
    this.#nodes = new MutationObserver(() => this.#put());
    this.#size = new ResizeObserver(() => this.#draw());
  }

  say(text: string): void {
    if (text === this.#text) return;
    this.close();
    this.#text = text;
    if (text === '') return;
    if (getComputedStyle(this.#over).position === 'static') this.#over.style.setProperty('position', 'relative');
    this.#put();
    this.#size.observe(this.#over);
    this.#timer = setInterval(() => this.#put(), renewMs);
  }

  close(): void {
    this.#text = '';
    clearInterval(this.#timer);
    this.#nodes.disconnect();
    this.#size.disconnect();
    this.#canvas?.remove();
    this.#canvas = null;
  }

  /** A new canvas, whatever was done to the old one. */
  #put(): void {
    this.#nodes.disconnect();
    this.#canvas?.remove();
    const canvas = document.createElement('canvas');
    canvas.setAttribute('aria-hidden', 'true');
    canvas.dataset['incamera'] = 'watermark';
    // Through the CSSOM, as many pages' policies allow no style attributes; important, so that no stylesheet hides it.
    const style: Readonly<Record<string, string>> = {
      all: 'initial', position: 'absolute', inset: '0', width: '100%', height: '100%', display: 'block', 'pointer-events': 'none', 'z-index': '2147483647',
    };
    for (const [name, value] of Object.entries(style)) canvas.style.setProperty(name, value, 'important');
    this.#over.append(canvas);
    this.#canvas = canvas;
    this.#draw();
  }

  #draw(): void {
    const canvas = this.#canvas;
    const pen = canvas?.getContext('2d');
    if (!canvas || !pen) return;
    this.#nodes.disconnect();
    const { clientWidth: width, clientHeight: height } = this.#over;
    const dots = Math.min(2, devicePixelRatio || 1);
    canvas.width = Math.max(1, Math.round(width * dots));
    canvas.height = Math.max(1, Math.round(height * dots));
    pen.scale(dots, dots);
    pen.font = '600 15px system-ui, sans-serif';
    pen.textBaseline = 'middle';
    pen.lineWidth = 3;
    pen.strokeStyle = 'rgb(0 0 0 / .16)';
    pen.fillStyle = 'rgb(255 255 255 / .26)';
    const step = pen.measureText(this.#text).width + gap;
    const reach = Math.hypot(width, height);
    pen.translate(width / 2, height / 2);
    pen.rotate(slope);
    for (let y = -reach / 2, row = 0; y < reach / 2; y += rowHeight, row++) {
      for (let x = -reach / 2 - (row % 2) * (step / 2); x < reach / 2; x += step) {
        pen.strokeText(this.#text, x, y);
        pen.fillText(this.#text, x, y);
      }
    }
    this.#nodes.observe(this.#over, { childList: true });
    this.#nodes.observe(canvas, { attributes: true });
  }
}
