// Something like speech for the fake microphone: syllables of a voiced tone with short pauses, so that sound that is made
// up by the receiver counts as such and is not taken for silence.

/** A WAV file of ten seconds, 48 kHz, mono. */
export function speech() {
  const rate = 48_000;
  const n = 10 * rate;
  const data = Buffer.alloc(44 + 2 * n);
  data.write('RIFF', 0);
  data.writeUInt32LE(36 + 2 * n, 4);
  data.write('WAVEfmt ', 8);
  data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20); // PCM
  data.writeUInt16LE(1, 22);
  data.writeUInt32LE(rate, 24);
  data.writeUInt32LE(2 * rate, 28);
  data.writeUInt16LE(2, 32);
  data.writeUInt16LE(16, 34);
  data.write('data', 36);
  data.writeUInt32LE(2 * n, 40);
  let phase = 0;
  for (let i = 0; i < n; i++) {
    const t = i / rate;
    phase += (2 * Math.PI * (150 + 30 * Math.sin(2 * Math.PI * 0.7 * t))) / rate;
    const syllable = Math.max(0.1, Math.sin(2 * Math.PI * 2.2 * t)); // about four a second
    let v = 0;
    for (const [h, loud] of [[1, 1], [2, 0.7], [3, 0.5], [5, 0.35], [8, 0.2], [12, 0.1]]) v += loud * Math.sin(h * phase);
    data.writeInt16LE(Math.round(7000 * syllable * v * 0.6), 44 + 2 * i);
  }
  return data;
}
