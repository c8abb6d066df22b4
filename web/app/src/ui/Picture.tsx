import { useEffect, useRef } from 'preact/hooks';

export interface PictureProps {
  readonly track: MediaStreamTrack;
  readonly mirror?: boolean;
  readonly whole?: boolean;
  readonly label?: string;
}

/** A track of one's own as a moving picture. Others' pictures are attached by the SDK. */
export function Picture({ track, mirror, whole, label }: PictureProps) {
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    element.srcObject = new MediaStream([track]);
    element.play().catch(() => undefined); // a page in the background plays when it is looked at
    return () => { element.srcObject = null; };
  }, [track]);
  return <video ref={video} class={`pic${mirror ? ' mirror' : ''}${whole ? ' whole' : ''}`} autoplay muted playsInline disablePictureInPicture aria-label={label} />;
}
