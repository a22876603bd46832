import { useState } from 'preact/hooks';

import { initials } from '../lib/format';

function hue(s: string): number {
  let h = 7;
  for (const c of s) h = (h * 31 + c.charCodeAt(0)) % 6;
  return h + 1;
}

/** An app's picture, or its initials when it has none that loads. */
export function Logo({ name, src, size = 48 }: { name: string; src?: string; size?: number }) {
  const [broken, setBroken] = useState(false);
  const style = { width: `${size}px`, height: `${size}px`, fontSize: `${Math.round(size * 0.36)}px` };
  if (src && !broken) return <img class="logo" src={src} alt="" style={style} loading="lazy" onError={() => setBroken(true)} />;
  return <span class={`logo tint-${hue(name)}`} style={style} aria-hidden="true">{initials(name)}</span>;
}

export function Avatar({ name }: { name: string }) {
  return <span class="avatar" aria-hidden="true">{initials(name)}</span>;
}
