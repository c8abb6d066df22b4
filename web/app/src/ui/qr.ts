/** The server's QR picture (data URL, SVG text or base64 PNG) as an address for <img>. */
export function pictureOf(qr: string): string {
  if (qr.startsWith('data:image/')) return qr;
  if (qr.trimStart().startsWith('<')) return `data:image/svg+xml,${encodeURIComponent(qr)}`;
  return `data:image/png;base64,${qr}`;
}
