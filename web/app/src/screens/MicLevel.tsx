import { useEffect, useRef } from 'preact/hooks';

const BARS = 7;

/** Seven bars that follow the microphone. Drawn on the side of the frame loop, without rendering anything anew. */
export function MicLevel({ track }: { readonly track: MediaStreamTrack }) {
  const bars = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 512;
    context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    const timer = setInterval(() => {
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      const decibels = 20 * Math.log10(Math.sqrt(sum / samples.length) + 1e-6);
      const lit = Math.round(Math.min(1, Math.max(0, (decibels + 60) / 50)) * BARS);
      const children = bars.current?.children;
      for (let n = 0; children && n < children.length; n++) children[n]?.classList.toggle('o', n >= lit);
    }, 100);
    return () => {
      clearInterval(timer);
      void context.close();
    };
  }, [track]);
  return <span class="lvl" ref={bars} aria-hidden="true">{Array.from({ length: BARS }, (_, n) => <b key={n} class="o" />)}</span>;
}
