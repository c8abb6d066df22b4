// The picture at the door: rings of seats around one table, a few of them taken.

const RINGS: readonly (readonly [radius: number, seats: number, size: number])[] = [
  [74, 7, 5.4], [120, 12, 6], [168, 17, 6.6], [218, 22, 7.2],
];
const TAKEN = new Set(['1.3', '2.7', '0.2', '1.8', '2.13', '3.5']);

function seat(ring: number, index: number) {
  const [radius, seats, size] = RINGS[ring] ?? [0, 1, 0];
  const angle = (index / seats) * Math.PI * 2 + ring * 0.37;
  const taken = TAKEN.has(`${ring}.${index}`);
  return (
    <circle
      key={`${ring}.${index}`}
      class={taken ? 'seat taken' : 'seat'}
      cx={(260 + radius * Math.cos(angle)).toFixed(1)}
      cy={(260 + radius * Math.sin(angle)).toFixed(1)}
      r={taken ? size + 2.5 : size - 1.5}
    />
  );
}

export function Chamber() {
  return (
    <svg class="chamber" viewBox="0 0 520 520" aria-hidden="true">
      <circle class="wall" cx="260" cy="260" r="252" />
      <circle class="door" cx="260" cy="260" r="34" stroke-dasharray="170 44" transform="rotate(37 260 260)" />
      <circle class="seat taken" cx="260" cy="260" r="9" />
      {RINGS.map(([radius]) => <circle key={radius} class="ring-line" cx="260" cy="260" r={radius} />)}
      {RINGS.map(([, seats], ring) => Array.from({ length: seats }, (_, index) => seat(ring, index)))}
    </svg>
  );
}
